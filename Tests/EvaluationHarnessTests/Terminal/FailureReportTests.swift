import Foundation
import JSONText
import SafeFiles
import Testing

@testable import EvaluationHarness

@Suite struct FailureReportTests {
    private struct Other: Error {}
    private struct Gate: ExitCodedError { let exitCode: Int32 = 1 }

    @Test func everyKindHasItsCode() {
        func code(_ kind: DataError.Kind) -> Int32 {
            FailureReport(DataError(kind, file: "f", expected: "e", found: "x", remedy: "r")).exitCode
        }
        #expect(code(.missing) == 66 && code(.malformed) == 65 && code(.cannotWrite) == 73)
        #expect(code(.diskFull) == 74 && code(.configuration) == 78)
        #expect(FailureReport(Interruption(signal: SIGINT)).exitCode == 130)
        #expect(FailureReport(Interruption(signal: SIGTERM)).exitCode == 143)
        #expect(FailureReport(ResumableFailure(run: "r", reason: "x")).exitCode == 75)
        #expect(FailureReport(Gate()).exitCode == 1 && FailureReport(Other()).exitCode == 70)
        let json = #expect(throws: JSONError.self) { try JSONValue.parse("{", file: "f") }
        #expect(FailureReport(json!).exitCode == 65)
    }

    @Test func textIsTheErrorsSentence() {
        let error = DataError(.missing, file: "f", expected: "e", found: "x", remedy: "r")
        #expect(FailureReport(error).text == "f: expected e, found x; r.")
        #expect(
            FailureReport(Interruption(signal: SIGTERM, advice: "resume it")).text
                == "interrupted by SIGTERM; resume it.")
    }

    @Test func aStoppedTrainingIsSavedAndNamed() throws {
        let session = try CommandSession(.init(), interrupt: Interrupt())
        #expect(try session.saving({ _ in "never" }) { 7 } == 7)
        var saved: [Int] = []
        let error = #expect(throws: Interruption.self) {
            try session.saving({ steps in
                saved.append(steps)
                return "there"
            }) { throw TrainingInterrupted(completedSteps: 5) }
        }
        #expect(saved == [5] && error?.advice == "5 steps are in there")
        #expect(throws: Interruption(signal: SIGINT)) {
            try session.saving({ _ in nil }) { throw TrainingInterrupted(completedSteps: 5) }
        }
        #expect(throws: DivergenceError.self) { try session.saving({ _ in nil }) { throw DivergenceError(steps: [1]) } }
    }

    @Test func interruptsAreSeenByWhoeverLooks() throws {
        let interrupt = Interrupt()
        try interrupt.check()
        interrupt.raise(SIGINT)
        let error = #expect(throws: Interruption.self) { try interrupt.check() }
        #expect(error?.exitCode == 130)
    }

    /// The first signal raises the flag and puts the default effect back for the second.
    @Test func theFirstSignalRaisesTheFlag() throws {
        let (oldInt, oldTerm) = (signal(SIGINT, SIG_DFL), signal(SIGTERM, SIG_DFL))
        defer {
            signal(SIGINT, oldInt)
            signal(SIGTERM, oldTerm)
            Interrupt.shared.raise(0)
        }
        Interrupt.listen()
        #expect(Interrupt.shared.signalNumber == nil)
        kill(getpid(), SIGTERM)
        let limit = ContinuousClock.now.advanced(by: .seconds(5))
        while Interrupt.shared.signalNumber == nil, ContinuousClock.now < limit { usleep(1000) }
        #expect(Interrupt.shared.signalNumber == SIGTERM)
        // What `signal` returns is the effect that was in force.
        #expect(signal(SIGINT, SIG_DFL) == nil && signal(SIGTERM, SIG_DFL) == nil)
    }
}
