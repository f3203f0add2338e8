import JSONText
import SafeFiles

/// Checked access to a JSON object of an architecture; every error names the file and the key.
struct ArchitectureFields {
    let json: JSONValue
    let file: String

    func int(_ key: String, _ range: ClosedRange<Int>) throws(DataError) -> Int {
        guard let value = json[key]?.int.flatMap({ Int(exactly: $0) }), range.contains(value) else {
            throw wrong(key, "a whole number in \(range)")
        }
        return value
    }

    func double(_ key: String, _ range: ClosedRange<Double>) throws(DataError) -> Double {
        guard let value = json[key]?.double, range.contains(value) else { throw wrong(key, "a number in \(range)") }
        return value
    }

    func bool(_ key: String) throws(DataError) -> Bool {
        guard let value = json[key]?.bool else { throw wrong(key, "true or false") }
        return value
    }

    func string(_ key: String) throws(DataError) -> String {
        guard let value = json[key]?.string else { throw wrong(key, "a text") }
        return value
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String) throws(DataError) -> Choice {
        guard let value = json[key]?.string.flatMap({ Choice(rawValue: $0) }) else {
            throw wrong(key, "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return value
    }

    func ints(_ key: String, _ range: ClosedRange<Int>) throws(DataError) -> [Int] {
        guard let items = json[key]?.array else { throw wrong(key, "a list of whole numbers") }
        var values: [Int] = []
        for item in items {
            guard let value = item.int.flatMap({ Int(exactly: $0) }), range.contains(value) else {
                throw wrong(key, "whole numbers in \(range)")
            }
            values.append(value)
        }
        return values
    }

    func doubles(_ key: String, _ range: ClosedRange<Double>) throws(DataError) -> [Double] {
        guard let items = json[key]?.array else { throw wrong(key, "a list of numbers") }
        var values: [Double] = []
        for item in items {
            guard let value = item.double, range.contains(value) else { throw wrong(key, "numbers in \(range)") }
            values.append(value)
        }
        return values
    }

    private func wrong(_ key: String, _ expected: String) -> DataError {
        ModelFile.malformed(file, "architecture.\(key): \(expected)", json[key]?.text() ?? "nothing")
    }
}
