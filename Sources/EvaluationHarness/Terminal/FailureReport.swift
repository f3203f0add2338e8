import DenseMetrics
import JSONText
import Reporting
import SafeFiles

/// An error that has its own exit code, for answers such as "the gate failed" (1) and "resumable" (75).
public protocol ExitCodedError: Error {
    var exitCode: Int32 { get }
}

extension Interruption: ExitCodedError {}

/// A run that stopped with its state saved, for a reason that may pass: running it again with `--resume` goes on (75).
public struct ResumableFailure: ExitCodedError, CustomStringConvertible, Sendable, Equatable {
    /// The run folder.
    public var run: String
    public var reason: String
    public var exitCode: Int32 { 75 }

    public init(run: String, reason: String) {
        self.run = run
        self.reason = reason
    }

    public var description: String { "\(run): \(reason); the state is saved, resume with --out \(run) --resume." }
}

/// The one place where an error becomes a text and an exit code.
///
/// | code | meaning |
/// |--:|:--|
/// | 1 | the answer is no (gate) |
/// | 64 | usage |
/// | 65 | malformed data |
/// | 66 | missing input |
/// | 70 | internal error |
/// | 73, 74 | cannot write; disk full or failing |
/// | 75 | failed, can be resumed |
/// | 78 | bad recipe |
/// | 130, 143 | interrupted after a clean save |
public struct FailureReport: Sendable, Equatable {
    public let text: String
    public let exitCode: Int32

    public init(_ error: any Error) {
        // Names of files and records stand in it.
        text = TerminalRenderer.printable("\(error)", keepsLines: true)
        exitCode = Self.code(error)
    }

    private static func code(_ error: any Error) -> Int32 {
        switch error {
        case let error as DataError: code(error.kind)
        case let error as any ExitCodedError: error.exitCode
        case is JSONError, is RecordFormatError: 65
        case is LabelCodingError: 64
        default: 70
        }
    }

    private static func code(_ kind: DataError.Kind) -> Int32 {
        switch kind {
        case .missing: 66
        case .malformed: 65
        case .cannotWrite: 73
        case .diskFull, .deviceFailed: 74
        case .configuration: 78
        }
    }
}
