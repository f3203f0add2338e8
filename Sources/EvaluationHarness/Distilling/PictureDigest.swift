import Determinism
import ImageFiles

/// SHA-256 of a picture's size and pixels: what stored features are found by.
struct PictureDigest: Hashable, Sendable {
    private let words: SIMD4<UInt64>

    static let byteCount = 32

    init(_ picture: Picture) {
        var hash = SHA256()
        hash.update("\(picture.height)x\(picture.width) RGB\n")
        hash.update(picture.pixels)
        words = hash.finalize().withUnsafeBytes { Self.words($0) }
    }

    /// - Parameter bytes: at least 32.
    init(bytes: UnsafeRawBufferPointer) { words = Self.words(bytes) }

    func store(to bytes: UnsafeMutableRawBufferPointer) {
        for index in 0..<4 { bytes.storeBytes(of: words[index].littleEndian, toByteOffset: 8 * index, as: UInt64.self) }
    }

    private static func words(_ bytes: UnsafeRawBufferPointer) -> SIMD4<UInt64> {
        var words = SIMD4<UInt64>()
        for index in 0..<4 {
            words[index] = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        return words
    }
}
