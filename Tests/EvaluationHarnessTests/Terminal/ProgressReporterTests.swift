import Testing

@testable import EvaluationHarness

@Suite struct ProgressReporterTests {
    private final class Clock {
        var time = 0.0
    }

    @Test func plainLinesEveryHalfMinuteAndAtTheEnd() throws {
        let text = try TerminalTests.output(isInteractive: false) { terminal in
            let clock = Clock()
            let progress = ProgressReporter(terminal, "train", total: 100, unit: "step", clock: { clock.time })
            for step in 1...100 {
                clock.time += 1
                progress.advance(postfix: "loss \(step)")
            }
            progress.finish()
            progress.finish()
        }
        #expect(
            text == """
                train: 30/100 (30 %), 1.0 steps/s, 30 s elapsed, 1:10 min left, loss 30
                train: 60/100 (60 %), 1.0 steps/s, 1:00 min elapsed, 40 s left, loss 60
                train: 90/100 (90 %), 1.0 steps/s, 1:30 min elapsed, 10 s left, loss 90
                train: 100 steps in 1:40 min, loss 100

                """)
    }

    @Test func barsRedrawAtMostTenTimesASecond() throws {
        let text = try TerminalTests.output(isInteractive: true) { terminal in
            let clock = Clock()
            let progress = ProgressReporter(terminal, "eval", total: 1000, unit: "image", clock: { clock.time })
            for _ in 1...1000 {
                clock.time += 0.001
                progress.advance()
            }
            progress.finish()
        }
        let redraws = text.split(separator: "\r").count { $0.contains("eval [") }
        #expect((9...10).contains(redraws), "\(redraws)")
        #expect(text.hasSuffix("\r\u{1B}[Keval: 1000 images in 1.0 s\n"))
        #expect(text.contains("eval [##########..........] 5"))
    }

    @Test func slowItemsShowSecondsEach() throws {
        let text = try TerminalTests.output(isInteractive: false) { terminal in
            let clock = Clock()
            let progress = ProgressReporter(terminal, "epoch", total: 10, done: 4, unit: "epoch", clock: { clock.time })
            clock.time = 40
            progress.advance()
        }
        #expect(text == "epoch: 5/10 (50 %), 40.0 s/epoch, 40 s elapsed, 3:20 min left\n")
    }

    @Test func quietShowsNothing() throws {
        let text = try TerminalTests.output(isInteractive: true) { terminal in
            let clock = Clock()
            let progress = ProgressReporter(terminal, "x", total: 2, isQuiet: true, clock: { clock.time })
            clock.time = 100
            progress.advance()
            progress.finish()
        }
        #expect(text.isEmpty)
    }

    @Test func durationsReadWell() {
        #expect(ProgressReporter.duration(0.04) == "0.0 s" && ProgressReporter.duration(9.96) == "10.0 s")
        #expect(ProgressReporter.duration(59.4) == "59 s" && ProgressReporter.duration(60) == "1:00 min")
        #expect(ProgressReporter.duration(3599) == "59:59 min" && ProgressReporter.duration(7384) == "2:03:04 h")
        #expect(ProgressReporter.fixed(123.4) == "123" && ProgressReporter.fixed(99.94) == "99.9")
    }
}
