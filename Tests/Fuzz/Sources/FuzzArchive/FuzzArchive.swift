import SafeFiles

@testable import CheckpointIO

/// Whole files of every format: zip archives, arrays, safetensors. What opens is read to the end.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzArchive(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let source = ByteSource(Array(UnsafeBufferPointer(start: start, count: count)), name: "f")
    do throws(DataError) {
        let archive = try CheckpointArchive.open(source, keyPath: [])
        for entry in archive.entries where entry.byteCount <= 1 << 16 { _ = try archive.bytes(of: entry.name) }
    } catch {
        precondition(error.kind == .malformed && !error.remedy.isEmpty)
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
