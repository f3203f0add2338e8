import Determinism
import SafeFiles

@testable import Annotations

/// Results and truth files: the fast reader and the strict one must give the same records or the same error.
///
/// The first byte chooses which parts are read; the rest is the text, of annotations where its top bit is set.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCocoRecords(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    _ = setUp
    let fields = CocoFields(rawValue: Int(start[0] & 7))
    let text = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    if start[0] & 0x80 == 0 {
        compare { triesPlain in
            try CocoResults.read(MappedFile(copying: text), file: "r", fields: fields, triesPlain: triesPlain).records
        }
    } else {
        let whole = Array("{\"images\":[],\"categories\":[],\"annotations\":".utf8) + Array(text) + Array("}".utf8)
        whole.withUnsafeBytes { bytes in
            compare { triesPlain in
                try CocoDataset.read(
                    MappedFile(copying: bytes), file: "t", fields: fields, checks: [], triesPlain: triesPlain)
            }
        }
    }
    return 0
}

private let setUp: Void = { Parallel.setThreadCount(1) }()

private func compare<Value: Equatable>(_ read: (Bool) throws -> Value) {
    let answers = [true, false].map { triesPlain in
        do { return Result<Value, DataError>.success(try read(triesPlain)) } catch {
            return .failure(error as! DataError)
        }
    }
    precondition(answers[0] == answers[1], "two readers, two answers: \(answers)")
}
