import ArgumentParser
import Testing

@testable import dmt

@Suite struct SweepTests {
    private func sweep(_ arguments: String...) throws -> (options: [String], points: [[String]], sizes: [Int?]) {
        let words = ["dmt", "eval", "segment", "--checkpoint", "c", "--data", "d"] + arguments
        let command = try EvalCommand.parse(Array(words.dropFirst(2)))
        let sweep = try command.sweep(of: words)
        return (sweep.axes.map(\.option), sweep.points.map(\.values), sweep.points.map(\.evaluation.size))
    }

    @Test func pointsAreAllCombinationsAndTheSweptValueWins() throws {
        let (options, points, sizes) = try sweep(
            "--size", "32", "--sweep", "size=48,64", "--sweep=label_size=10,20")
        #expect(options == ["size", "label-size"])
        #expect(points == [["48", "10"], ["48", "20"], ["64", "10"], ["64", "20"]])
        #expect(sizes == [48, 48, 64, 64])
    }

    @Test func aPlusIsACommaInAValueAndFlagsAreTrueOrFalse() throws {
        let words = [
            "dmt", "eval", "segment", "--checkpoint", "c", "--data", "d", "--sweep", "scales=1,0.75+1", "--sweep",
            "flip=false,true", "--sweep", "seed=1,2",
        ]
        let points = try EvalCommand.parse(Array(words.dropFirst(2))).sweep(of: words).points
        #expect(points.count == 8)
        #expect(points.map { $0.evaluation.augmentation?.scales.count ?? 0 } == [1, 1, 1, 1, 2, 2, 2, 2])
        #expect(points.map { $0.evaluation.augmentation?.flips ?? false }.prefix(4) == [false, false, true, true])
        #expect(points.map(\.seed) == [1, 2, 1, 2, 1, 2, 1, 2])
    }

    @Test(
        arguments: [
            "sise=1,2", "size=1", "size=", "size=48,48", "size=48,,64", "out=a,b", "window", "size=48,abc", "=1,2",
        ])
    func whatEvalDoesNotTakeIsAUsageError(_ text: String) {
        let error = #expect(throws: (any Error).self) { try sweep("--sweep", text) }
        #expect(error.map { DMT.exitCode(for: $0) } == .validationFailure)
    }

    @Test func anOptionTwiceIsRefused() {
        #expect(throws: (any Error).self) { try sweep("--sweep", "size=48,64", "--sweep", "size=32,96") }
    }
}
