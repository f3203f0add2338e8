import Determinism
import SafeFiles

@testable import Annotations

/// Results files: the fast reader and the strict one must give the same records or the same error.
///
/// The first byte chooses which parts are read; the rest is the text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCocoResults(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    _ = setUp
    let fields = CocoFields(rawValue: Int(start[0] & 7))
    let text = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    let answers = [true, false].map { triesPlain in
        do {
            return Result<_, DataError>.success(
                try CocoResults.read(MappedFile(copying: text), file: "r", fields: fields, triesPlain: triesPlain)
                    .records)
        } catch {
            let error = error as! DataError
            precondition(error.kind == .malformed && error.file == "r" && !error.remedy.isEmpty)
            return .failure(error)
        }
    }
    precondition(answers[0] == answers[1], "two readers, two answers: \(answers)")
    return 0
}

private let setUp: Void = { Parallel.setThreadCount(1) }()
