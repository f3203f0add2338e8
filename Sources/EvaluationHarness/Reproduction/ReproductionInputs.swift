import Foundation
import SafeFiles

/// What the user gives for runs that fill a table: folders of data sets by name, a folder of published checkpoints, seeds.
public struct ReproductionInputs: Sendable {
    /// Absolute paths of data sets, by the names that tables use.
    let data: [String: String]
    /// Absolute; nil where none is given.
    let teachers: String?
    let seeds: [UInt64]

    /// - Parameters:
    ///   - data: `imagenet=FOLDER`.
    ///   - seeds: not empty.
    /// - Throws: `.configuration` for an argument of another form; `.missing` for a folder that is not there.
    public init(data: [String], teachers: String?, seeds: [UInt64]) throws(DataError) {
        var folders: [String: String] = [:]
        for argument in data {
            let halves = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard halves.count == 2, folders[halves[0]] == nil else {
                throw DataError(
                    .configuration, file: "--data", expected: "NAME=FOLDER, each name once", found: "'\(argument)'",
                    remedy: "write --data imagenet=FOLDER for instance")
            }
            folders[halves[0]] = try Self.absolute(halves[1], "a dataset.yaml or the folder it lies in")
        }
        self.data = folders
        self.teachers = try teachers.map { folder throws(DataError) in
            try Self.absolute(folder, "a folder of published checkpoints")
        }
        self.seeds = seeds
    }

    private static func absolute(_ path: String, _ expected: String) throws(DataError) -> String {
        guard let real = realpath(path, nil) else {
            throw DataError(
                .missing, file: path, expected: expected, found: String(cString: strerror(errno)),
                remedy: "check the path")
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// The path of a published checkpoint; nil where it is not there.
    func teacher(_ file: String) -> String? {
        guard RootedPath.fault(in: file) == nil, let teachers else { return nil }
        let path = "\(teachers)/\(file)"
        return FileBytes.exists(path) ? path : nil
    }
}
