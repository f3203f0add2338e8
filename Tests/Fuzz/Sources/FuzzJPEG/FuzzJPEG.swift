import CImageCodecs

/// JPEG files of any kind: the fast path and libjpeg agree on every byte and on every verdict, a window is a part of the
/// whole.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJPEG(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var (header, report) = (dmt_image_header(), dmt_image_report())
    guard dmt_jpeg_header(bytes, count, 1 << 16, &header, &report) == Int32(DMT_IMAGE_OK) else { return 0 }
    let (height, width) = (Int(header.height), Int(header.width))
    var (fast, plain) = (
        [UInt8](repeating: 1, count: height * width * 3), [UInt8](repeating: 2, count: height * width * 3)
    )
    let (first, second) = (
        dmt_jpeg_decode(bytes, count, &header, &fast, &report),
        dmt_jpeg_decode_plain(bytes, count, &header, &plain, &report)
    )
    precondition(first == second)
    if first != Int32(DMT_IMAGE_OK) { return 0 }
    precondition(fast == plain)
    // A window whose place depends on the file.
    let (top, left) = (count % height, Int(bytes[count - 1]) % width)
    var window = dmt_image_window(
        top: Int32(top), left: Int32(left), height: Int32((height - top + 1) / 2), width: Int32((width - left + 1) / 2))
    var part = [UInt8](repeating: 3, count: Int(window.height * window.width) * 3)
    precondition(dmt_jpeg_decode_window(bytes, count, &header, &window, &part, &report) == Int32(DMT_IMAGE_OK))
    for y in 0..<Int(window.height) {
        let row = 3 * Int(window.width)
        let start = ((top + y) * width + left) * 3
        precondition(part[y * row..<(y + 1) * row].elementsEqual(plain[start..<start + row]))
    }
    return 0
}
