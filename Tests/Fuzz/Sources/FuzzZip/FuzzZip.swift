import DrawnFiles
import SafeFiles

@testable import CheckpointIO

/// Whole files, by any format's rules, and the zip layer alone. What opens is read to the end.
///
/// The first byte chooses whether checksums of a zip archive are mended before reading: without that, hardly any change
/// inside an entry would get past them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzZip(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let source = ByteSource(start[0] & 1 == 0 ? input : ZipFile.mend(input), name: "f")
    do throws(DataError) {
        let archive = try CheckpointArchive.open(source, keyPath: [])
        for entry in archive.entries where entry.byteCount <= 1 << 16 { _ = try archive.bytes(of: entry.name) }
    } catch {
        precondition(error.kind == .malformed && error.file == "f" && !error.remedy.isEmpty)
    }
    // Past the pickle's rules, the zip reader alone.
    guard let zip = try? ZipArchive(source) else { return 0 }
    for entry in zip.entries where entry.size <= 1 << 16 {
        let bytes = try? zip.bytes(of: entry, limit: 1 << 16)
        precondition(bytes == nil || bytes!.count == entry.size)
        _ = try? zip.prefix(of: entry, 16)
    }
    return 0
}
