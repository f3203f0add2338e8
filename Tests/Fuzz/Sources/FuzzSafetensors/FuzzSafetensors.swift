import DrawnFiles
import SafeFiles

@testable import CheckpointIO

/// A safetensors file: what opens is read whole, and written again it holds the same.
///
/// The first byte chooses between a raw file and a header text, which gets the length in front and, behind it, as many
/// bytes as the next two say.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSafetensors(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 3 else { return 0 }
    let text = Array(UnsafeBufferPointer(start: start + 3, count: count - 3))
    let dataCount = Int(start[1]) | Int(start[2]) << 8
    let isRaw = start[0] & 1 == 0
    let file = isRaw ? text : UInt64(text.count).littleEndianBytes + text + numbers[..<dataCount]
    do throws(DataError) {
        try read(ByteSource(file, name: "f"))
    } catch {
        precondition(error.kind == .malformed && error.file == "f" && !error.remedy.isEmpty)
    }
    return 0
}

private func read(_ source: ByteSource) throws(DataError) {
    let file = try SafetensorsFile(source)
    var block: [UInt8] = []
    for entry in file.header.entries {
        let bytes = try file.bytes(of: entry.name)
        precondition(bytes.count == entry.byteRange.count)
        block += bytes
    }
    precondition(block.count < source.count, "more bytes than the file has")
    // Names that the writer does not take: a reader must be able to read them all the same.
    guard !file.header.entries.contains(where: { $0.name.isEmpty || $0.name.utf8.contains(0) }),
        !file.header.metadata.contains(where: { $0.key.utf8.contains(0) })
    else { return }
    // Tensors fill the file in order, so each one's place in the block is its place in the file.
    let start = source.count - block.count
    let written = block.withUnsafeBytes { memory in
        let items = file.header.entries.map { entry in
            let range = entry.byteRange.lowerBound - start..<entry.byteRange.upperBound - start
            return SafetensorsWriter.Item(
                name: entry.name, type: entry.type, shape: entry.shape,
                bytes: UnsafeRawBufferPointer(rebasing: memory[range]))
        }
        return SafetensorsWriter.encode(items, metadata: file.header.metadata)
    }
    let again = try SafetensorsFile(ByteSource(written, name: "again"))
    precondition(again.header.entries.count == file.header.entries.count)
    for entry in file.header.entries {
        let other = try again.entry(entry.name)
        precondition(other.shape == entry.shape && other.type == entry.type)
        let (first, second) = (try file.bytes(of: entry.name), try again.bytes(of: entry.name))
        precondition(first == second, "other numbers")
    }
}

private let numbers = (0..<1 << 16).map { UInt8($0 & 255) }
