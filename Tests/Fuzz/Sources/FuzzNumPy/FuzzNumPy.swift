import DrawnFiles
import SafeFiles

@testable import CheckpointIO

/// NumPy's arrays, alone and in an archive; what opens is read whole.
///
/// The first byte chooses: a raw file; a header's literal, framed and with as many zeros behind it as the next byte says;
/// the same inside an archive with right checksums.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNumPy(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 2 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 2, count: count - 2))
    let array = start[0] % 3 == 0 ? input : framed(input, dataCount: Int(start[1]))
    let file = start[0] % 3 == 2 ? ZipFile.draw([(Array("w.npy".utf8), array)]) : array
    do throws(DataError) {
        let source = ByteSource(file, name: "f")
        let archive = start[0] % 3 == 2 ? try NumPyFile(ZipArchive(source)) : try NumPyFile(array: source)
        for entry in archive.entries {
            precondition(entry.byteCount <= file.count)
            let bytes = try archive.bytes(of: entry.name)
            precondition(bytes.count == entry.byteCount)
        }
    } catch {
        precondition(error.kind == .malformed && error.file == "f" && !error.remedy.isEmpty)
    }
    return 0
}

/// The literal padded to a multiple of 64, as NumPy writes it.
private func framed(_ literal: [UInt8], dataCount: Int) -> [UInt8] {
    let length = (literal.count + 11 + 63) / 64 * 64 - 10
    let text = literal + [UInt8](repeating: UInt8(ascii: " "), count: length - literal.count - 1) + [10]
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + UInt16(truncatingIfNeeded: length).littleEndianBytes + text
        + [UInt8](repeating: 0, count: dataCount)
}
