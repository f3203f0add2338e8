import Distillation
import TensorCore

/// How cached teacher tokens are stored.
public enum FeatureStorage: String, Sendable, CaseIterable {
    case bf16
    /// Patch tokens as 8-bit integers with one scale a channel and picture, the largest value over 127; class tokens as
    /// bfloat16.
    case int8
}

/// The bytes of one picture's tokens: a head of 64 with the picture's hash (32), the view, the checksum of what follows and
/// the head's own, then the class token, the scales where there are any, and the patches row by row. Numbers are
/// little-endian.
struct FeatureRecord {
    let width: Int
    let patches: Int
    let storage: FeatureStorage
    private static let head = 64
    /// Where the checksums stand.
    private static let (bodySum, headSum) = (36, 60)

    private var payload: Int {
        storage == .bf16 ? 2 * width * (1 + patches) : 2 * width + 4 * width + width * patches
    }

    /// A multiple of 64.
    var byteCount: Int { (Self.head + payload + 63) / 64 * 64 }

    func encoded(_ tokens: TeacherTokens, row: Int, at place: FeatureStore.Place) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let cls = tokens.cls.rows(row..<row + 1).converted(to: .bf16)
        let values = tokens.patches.rows(row..<row + 1)
        bytes.withUnsafeMutableBytes { bytes in
            let body = bytes.baseAddress! + Self.head
            body.copyMemory(from: cls.raw, byteCount: cls.byteCount)
            if storage == .bf16 {
                let rounded = values.converted(to: .bf16)
                (body + cls.byteCount).copyMemory(from: rounded.raw, byteCount: rounded.byteCount)
            } else {
                quantize(values.floats(), to: body + cls.byteCount)
            }
            place.picture.store(to: bytes)
            bytes[PictureDigest.byteCount] = UInt8(PictureView.allCases.firstIndex(of: place.view)!)
            let record = UnsafeRawBufferPointer(bytes)
            let sum = CRC32C.checksum(record[Self.head...])
            bytes.storeBytes(of: sum.littleEndian, toByteOffset: Self.bodySum, as: UInt32.self)
            let head = CRC32C.checksum(record[..<Self.headSum])
            bytes.storeBytes(of: head.littleEndian, toByteOffset: Self.headSum, as: UInt32.self)
        }
        return bytes
    }

    func place(_ record: UnsafeRawBufferPointer) -> FeatureStore.Place {
        let view = Int(record[PictureDigest.byteCount]) % PictureView.allCases.count
        return FeatureStore.Place(picture: PictureDigest(bytes: record), view: PictureView.allCases[view])
    }

    /// Whether the values are as they were written.
    func isSound(_ record: UnsafeRawBufferPointer) -> Bool {
        sum(record, at: Self.bodySum) == CRC32C.checksum(record[Self.head...])
    }

    /// Whether the head is as it was written: what a record is found by, and the checksum of its values.
    func hasSoundHead(_ record: UnsafeRawBufferPointer) -> Bool {
        sum(record, at: Self.headSum) == CRC32C.checksum(record[..<Self.headSum])
    }

    private func sum(_ record: UnsafeRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(littleEndian: record.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Fills bfloat16 tensors `(1, C)` and `(1, T, C)`.
    func decode(_ record: UnsafeRawBufferPointer, _ cls: Tensor, _ values: Tensor) {
        let body = record.baseAddress! + Self.head
        cls.raw.copyMemory(from: body, byteCount: 2 * width)
        if storage == .bf16 {
            values.raw.copyMemory(from: body + 2 * width, byteCount: 2 * width * patches)
            return
        }
        let scales = (body + 2 * width).assumingMemoryBound(to: Float.self)
        let codes = (body + 6 * width).assumingMemoryBound(to: Int8.self)
        let wide = Tensor(uninitialized: values.shape)
        let out = wide.f32()
        for patch in 0..<patches {
            for channel in 0..<width {
                out[patch * width + channel] = Float(codes[patch * width + channel]) * scales[channel]
            }
        }
        values.assign(wide.converted(to: .bf16))
    }

    private func quantize(_ values: [Float], to place: UnsafeMutableRawPointer) {
        let scales = place.assumingMemoryBound(to: Float.self)
        let codes = (place + 4 * width).assumingMemoryBound(to: Int8.self)
        for channel in 0..<width {
            var largest: Float = 0
            for patch in 0..<patches { largest = max(largest, abs(values[patch * width + channel])) }
            scales[channel] = largest / 127
        }
        for patch in 0..<patches {
            for channel in 0..<width {
                let scale = scales[channel]
                let code = scale > 0 ? (values[patch * width + channel] / scale).rounded() : 0
                codes[patch * width + channel] = Int8(max(-127, min(127, code)))
            }
        }
    }
}
