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

    @Test func aStoppedTrainingNamesTheCommandThatGoesOn() throws {
        try withTemporaryFolder { folder in
            let session = try CommandSession(.init(), interrupt: Interrupt())
            let run = try SnapshotFixture.run(folder + "/my run")
            let command = "dmt distill --out '\(run.path)' --resume"
            #expect(run.resumeCommand == command)
            #expect(try session.stoppable(in: run) { 7 } == 7)
            let stopped = #expect(throws: Interruption.self) {
                try session.stoppable(in: run) { throw TrainingInterrupted(completedSteps: 5) }
            }
            #expect(stopped?.description == "interrupted by SIGINT; 5 steps are saved. Continue with:\n  \(command)")
            #expect(throws: Interruption(signal: SIGTERM, command: command)) {
                try session.stoppable(in: run) { throw Interruption(signal: SIGTERM) }
            }
            #expect(throws: Interruption(signal: SIGINT)) {
                try session.stoppable(in: nil) { throw TrainingInterrupted(completedSteps: 5) }
            }
            #expect(throws: DivergenceError.self) {
                try session.stoppable(in: run) { throw DivergenceError(steps: [1]) }
            }
        }
    }

    @Test func commandsThatContinueNameTheFolderOnce() {
        let arguments = ["dmt", "train", "segment", "--out=old", "--resume", "a=[1, 2]", "--out", "old", "-q"]
        #expect(
            ResumeCommand.text(arguments, folder: "/r/x") == "dmt train segment 'a=[1, 2]' -q --out /r/x --resume")
        #expect(ResumeCommand.text([], folder: "x") == "--out x --resume")
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

    @Test func namesInErrorsSteerNoTerminal() {
        let error = DataError(
            .malformed, file: "a\u{1B}[2J\u{202E}.json", expected: "x", found: "two\nlines", remedy: "mend it")
        let text = FailureReport(error).text
        #expect(text.hasPrefix("a\u{FFFD}[2J\u{FFFD}.json: expected x, found two\nlines"))
    }
}
