import CheckpointIO
import Determinism
import SafeFiles
import TensorCore

/// A safetensors file with a checksum over all of its bytes inside: one changed bit, or a cut, is found.
///
/// The metadata key `dmt.checksum` sorts before all others, so the checksum's 64 digits always stand at the same place;
/// it is the SHA-256 of the file with zeros there.
enum SealedFile {
    static let key = "dmt.checksum"
    private static let start = Array("{\"__metadata__\":{\"\(key)\":\"".utf8)
    private static let digits = 8 + start.count..<8 + start.count + 64
    private static let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: 64)
    /// What stands for the checksum until it is known.
    static var zeroText: String { String(decoding: zeros, as: UTF8.self) }

    /// Writes tensors atomically.
    ///
    /// - Precondition: metadata keys sort after `dmt.checksum`.
    static func write(
        _ tensors: [String: Tensor], metadata: [String: String], to path: String
    ) throws(DataError) {
        var metadata = metadata
        metadata[key] = zeroText
        try AtomicFile.write(sealed(Safetensors.encode(tensors, metadata: metadata)), to: path)
    }

    /// A file's bytes with their checksum.
    ///
    /// - Precondition: the metadata begin with `key`, whose value is `zeroText`.
    static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes[8..<digits.lowerBound].elementsEqual(start), "sealed file: other metadata before \(key)")
        var bytes = bytes
        bytes.replaceSubrange(digits, with: Array(SHA256.hex(bytes).utf8))
        return bytes
    }

    /// Reads a file whose checksum is right.
    ///
    /// - Throws: `.malformed` for a file that is not byte for byte as it was written; `.missing`.
    static func load(_ path: String) throws(DataError) -> Safetensors.Contents {
        try check(path)
        return try Safetensors.load(path)
    }

    /// - Throws: `.malformed` for a file that is not byte for byte as it was written; `.missing`.
    static func check(_ path: String) throws(DataError) {
        var hash = SHA256()
        var found: [UInt8]?
        try FileBytes.forEachPiece(of: path) { piece in
            guard found == nil else { return hash.update(piece) }
            var head = Array(piece)
            found = head.count >= digits.upperBound ? Array(head[digits]) : []
            if head.count >= digits.upperBound { head.replaceSubrange(digits, with: zeros) }
            hash.update(head)
        }
        guard let found, String(decoding: found, as: UTF8.self) == hash.hex() else {
            throw DataError(
                .malformed, file: path, expected: "the bytes that its checksum was made of", found: "others",
                remedy: "the file is cut short or altered")
        }
    }
}
