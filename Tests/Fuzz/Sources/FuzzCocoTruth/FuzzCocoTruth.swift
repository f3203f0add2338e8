import Determinism
import Geometry
import SafeFiles

@testable import Annotations

/// Truth files: the fast reader and the strict one must give the same data set or the same error, and what is read can
/// be drawn.
///
/// The low bits of the first byte choose which parts are read and what is checked; where its top bit is set the rest is
/// the list of annotations alone, else the whole text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCocoTruth(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    _ = setUp
    let fields = CocoFields(rawValue: Int(start[0] & 7))
    let checks = CocoChecks(rawValue: Int(start[0] >> 3 & 7))
    let rest = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    let frame = Array("{\"images\":[],\"categories\":[],\"annotations\":".utf8)
    let text = start[0] & 0x80 == 0 ? Array(rest) : frame + Array(rest) + [UInt8(ascii: "}")]
    let answers = text.withUnsafeBytes { bytes in
        [true, false].map { triesPlain in
            do {
                return Result<CocoDataset, DataError>.success(
                    try CocoDataset.read(
                        MappedFile(copying: bytes), file: "t", fields: fields, checks: checks, triesPlain: triesPlain))
            } catch {
                let error = error as! DataError
                precondition(error.kind == .malformed && error.file == "t" && !error.remedy.isEmpty)
                return .failure(error)
            }
        }
    }
    precondition(answers[0] == answers[1], "two readers, two answers: \(answers)")
    guard case .success(let dataset) = answers[0] else { return 0 }
    for annotation in dataset.annotations {
        let mask = try? annotation.segmentation?.mask(size: ImageSize(height: 40, width: 30))
        guard let mask, mask.size.pixelCount <= 1 << 16 else { continue }
        _ = mask.area
        _ = mask.cocoBox
    }
    return 0
}

private let setUp: Void = { Parallel.setThreadCount(1) }()
