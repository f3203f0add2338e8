import Testing

@testable import EvaluationHarness

@Suite("How a gate decides") struct GateExperimentTests {
    private func experiment(_ kind: GateExperiment.Kind, drop: Double) -> GateExperiment {
        var experiment = GateExperiment()
        experiment.kind = kind
        experiment.imageCounts = [60]
        experiment.classes = 4
        experiment.swaps = 20
        experiment.draws = 8
        experiment.drop = drop
        experiment.bootstrapDraws = 100
        experiment.seeds = 2
        return experiment
    }

    @Test(
        "a large planted drop is always caught, swaps of equals seldom alarm", arguments: GateExperiment.Kind.allCases)
    func decides(kind: GateExperiment.Kind) {
        let large = experiment(kind, drop: 0.15)
        var trials = 0
        let row = large.run { trials += 1 }[0]
        #expect(row.images == 60 && row.swaps == 20 && row.draws == 8)
        #expect(row.caught == 8 && abs(row.meanDrop - 0.15) < 0.06)
        #expect(row.alarms <= 4 && row.alarms <= row.differences)
        #expect(row.clearCases > 8 && row.flips == 0 && trials <= large.trialCount)
        #expect(large.json([row])["rows"]?[0]?["caught_share"]?.double == 1)
        #expect(large.text([row]).contains("100.0 %"))
    }

    @Test("the same numbers on any number of threads", arguments: GateExperiment.Kind.allCases)
    func threads(kind: GateExperiment.Kind) {
        let small = experiment(kind, drop: 0.02)
        let one = DrawnScenes.onThreads(1) { small.run() }
        #expect(one == DrawnScenes.onThreads(3) { small.run() })
    }

    @Test("mixing takes each image from one of two students, and equals of one student are that student")
    func mixing() {
        let weights = [UInt64](repeating: 1, count: 30)
        func check<Student: DrawnStudent>(_: Student.Type) {
            let a = Student(images: 30, classes: 4, shift: 0, seed: 1, student: 1)
            let b = Student(images: 30, classes: 4, shift: -2, seed: 1, student: 2)
            let values = [a, b].map { $0.resampled()(weights)! }
            #expect(values[0] > values[1] + 0.1)
            #expect(a.mixed(with: b, takes: [Bool](repeating: true, count: 30)).resampled()(weights) == values[0])
            #expect(a.mixed(with: b, takes: [Bool](repeating: false, count: 30)).resampled()(weights) == values[1])
            let half = a.mixed(with: b, takes: (0..<30).map { $0 % 2 == 0 }).resampled()(weights)!
            #expect(half < values[0] && half > values[1])
        }
        check(DrawnSegmentation.self)
        check(DrawnDetection.self)
    }
}
