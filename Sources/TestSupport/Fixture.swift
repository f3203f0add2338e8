import Foundation
import TensorCore

/// Golden cases of a `Fixtures` folder: `manifest.json` lists them, `<case>.bin` holds their values.
///
/// The manifest's `cases` map a name to `attributes` (numbers) and `tensors` (name, shape, dtype, byte offset); values
/// are raw little-endian f64 or i32.
public struct Fixture {
    public let name: String
    /// Numbers of the case, such as a stride.
    public let attributes: [String: Double]
    private let entries: [String: Entry]
    private let bytes: [UInt8]

    private struct Entry: Decodable {
        let shape: [Int]
        let dtype: String
        let offset: Int
    }
    private struct Case: Decodable {
        let attributes: [String: Double]
        let tensors: [String: Entry]
    }
    private struct Manifest: Decodable { let cases: [String: Case] }

    public struct Unreadable: Error, CustomStringConvertible {
        public let file: String
        public let reason: String
        public var description: String { "fixture \(file): \(reason); run generate.py" }
    }

    /// - Parameter testFile: `#filePath` of a test beside the `Fixtures` folder.
    public static func all(beside testFile: String) throws -> [Fixture] {
        let folder = URL(fileURLWithPath: testFile).deletingLastPathComponent().appendingPathComponent("Fixtures")
        let data = try Data(contentsOf: folder.appendingPathComponent("manifest.json"))
        let manifest = try JSONDecoder().decode(Manifest.self, from: data)
        return try manifest.cases.sorted { $0.key < $1.key }.map { name, entry in
            let file = folder.appendingPathComponent("\(name).bin")
            let bytes = [UInt8](try Data(contentsOf: file))
            for (tensor, layout) in entry.tensors {
                let size = layout.shape.reduce(1, *) * (layout.dtype == "f64" ? 8 : 4)
                guard layout.offset >= 0, layout.offset + size <= bytes.count else {
                    throw Unreadable(file: "\(name).bin", reason: "\(tensor) lies outside \(bytes.count) bytes")
                }
            }
            return Fixture(name: name, attributes: entry.attributes, entries: entry.tensors, bytes: bytes)
        }
    }

    public var tensorNames: [String] { entries.keys.sorted() }

    public func has(_ name: String) -> Bool { entries[name] != nil }

    /// A floating tensor, f64.
    public func tensor(_ name: String) throws -> Tensor {
        let (entry, count) = try entry(name, "f64")
        return Tensor((0..<count).map { Double(bitPattern: word(entry.offset + 8 * $0)) }, entry.shape)
    }

    /// The values of an i32 tensor.
    public func ints(_ name: String) throws -> [Int32] {
        let (entry, count) = try entry(name, "i32")
        return (0..<count).map { index in
            let at = entry.offset + 4 * index
            return Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) })
        }
    }

    public func attribute(_ name: String) throws -> Double {
        guard let value = attributes[name] else { throw Unreadable(file: self.name, reason: "no attribute \(name)") }
        return value
    }

    private func entry(_ name: String, _ dtype: String) throws -> (Entry, Int) {
        guard let entry = entries[name], entry.dtype == dtype else {
            throw Unreadable(file: self.name, reason: "no \(dtype) tensor \(name)")
        }
        return (entry, entry.shape.reduce(1, *))
    }

    private func word(_ at: Int) -> UInt64 {
        (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }
}
