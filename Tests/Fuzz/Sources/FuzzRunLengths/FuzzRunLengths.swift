@testable import Geometry

/// COCO's strings: both decoders must read the same runs, and no walk over them may crash or fail to end.
///
/// The first four bytes choose picture sizes, one in sixteen of up to 255 pixels a side and the others of up to 63; the rest
/// are two strings of equal length.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRunLengths(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    guard input.count >= 4 else { return 0 }
    let bits: UInt8 = input[3] % 16 == 0 ? 255 : 63
    let size = ImageSize(height: Int(input[0] & bits), width: Int(input[1] & bits))
    let other = input[2] % 8 == 0 ? ImageSize(height: Int(input[2] & bits), width: Int(input[3] & bits)) : size
    let middle = 4 + (input.count - 4) / 2
    let texts = [(input[4..<middle], size), (input[middle...], other)]
    var rooms = [MaskRoom(), MaskRoom()]
    let masks = texts.indices.map { index in
        let text = UnsafeBufferPointer(rebasing: texts[index].0)
        let mask = RLEMask.decode(cocoString: text, size: texts[index].1).mask
        rooms[index].append(cocoString: text, size: texts[index].1)
        precondition(rooms[index].mask(0) == mask, "two decoders, two masks")
        precondition(rooms[index].area(0) == mask.area && rooms[index].isComplete(0) == mask.isComplete)
        precondition(rooms[index].cocoBox(0) == mask.cocoBox, "two boxes")
        _ = mask.bitmap
        _ = mask.boundary()
        let again = mask.cocoString
        if mask.isComplete { precondition(RLEMask.decode(cocoString: again, size: mask.size).mask == mask) }
        return mask
    }
    for isCrowd in [false, true] {
        let expected = Result { () throws(RLEMask.OverlapError) in
            try masks[0].iou(truth: masks[1], isCrowd: isCrowd)
        }
        let found = Result { () throws(RLEMask.OverlapError) in
            try rooms[0].iou(0, truth: rooms[1], 0, isCrowd: isCrowd)
        }
        precondition(found == expected, "two overlaps")
    }
    for intersecting in [false, true] { _ = try? RLEMask.merged(masks, intersecting: intersecting) }
    return 0
}
