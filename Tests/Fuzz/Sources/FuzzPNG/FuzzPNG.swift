import CImageCodecs
import DrawnFiles

/// PNG files of any kind: the fast path of label files and libpng agree on every value and every verdict.
///
/// The first byte chooses between a file whose checksums are mended before reading, and rows of a drawn file: the next
/// bytes are its size, depth, colour type, interlacing and palette.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPNG(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 8 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let file = start[0] & 1 == 0 ? PNGImage.mend(input) : drawn(input)
    var (header, report) = (dmt_image_header(), dmt_image_report())
    guard dmt_png_header(file, file.count, 1 << 12, &header, &report) == Int32(DMT_IMAGE_OK) else { return 0 }
    let count = Int(header.height) * Int(header.width)
    var pixels = [UInt8](repeating: 1, count: count * 3)
    _ = dmt_png_decode_rgb(file, file.count, &header, &pixels, &report)
    var (fast, plain) = ([UInt16](repeating: 1, count: count), [UInt16](repeating: 2, count: count))
    let (first, second) = (
        dmt_png_decode_index(file, file.count, &header, &fast, &report),
        dmt_png_decode_index_plain(file, file.count, &header, &plain, &report)
    )
    precondition(first == second, "two verdicts: \(first), \(second)")
    precondition(first != Int32(DMT_IMAGE_OK) || fast == plain, "two label files")
    return 0
}

private func drawn(_ input: [UInt8]) -> [UInt8] {
    let depths: [UInt8] = [1, 2, 4, 8, 16, input[2]]
    let colours: [UInt8] = [0, 3, 2, 4, 6, input[3]]
    let paletteCount = min(3 * Int(input[5] % 64), input.count - 6)
    return PNGImage.draw(
        height: UInt32(input[0] & 63), width: UInt32(input[1] & 63), depth: depths[Int(input[2] % 6)],
        colourType: colours[Int(input[3] % 6)], interlace: input[4] % 3,
        palette: Array(input[6..<6 + paletteCount]), filteredRows: Array(input[(6 + paletteCount)...]))
}
