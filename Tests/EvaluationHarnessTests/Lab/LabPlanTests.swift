import SafeFiles
import Testing

@testable import EvaluationHarness

struct LabPlanTests {
    private func shipped(_ overrides: [String] = []) throws -> LabPlan {
        LabPlan(try LabSettings(RecipeLibrary.shipped().load("lab", overrides: overrides)))
    }

    @Test func theShippedLabHasTheArmsMetricsAndSeedsOfItsQuestion() throws {
        let plan = try shipped()
        let settings = plan.settings
        #expect(settings.seeds.count >= 3)
        #expect(settings.arms.map(\.name) == ["scratch", "mae", "mocov3", "ibot", "mean", "dropping", "dmt"])
        let columns: Set = ["mIoU", "AP_box", "AP_mask", "knn_top1", "linear_top1", "top1", "linear_mIoU"]
        #expect(Set(plan.cells.map(\.column)) == columns)
        #expect(plan.cells.count == settings.seeds.count * settings.arms.count * columns.count)
        try settings.checkRecipes()
    }

    @Test func everyJobCanBegin() throws {
        let plan = try shipped()
        #expect(Set(plan.jobs.map(\.name)).count == plan.jobs.count)
        #expect(Set(plan.jobs.map(\.output)).count == plan.jobs.count)
        // Runs of the order of the list: whoever is waited for ends some time.
        var done: Set<String> = []
        var waiting = plan.jobs
        while let next = waiting.firstIndex(where: { $0.after.allSatisfy(done.contains) }) {
            done.insert(waiting.remove(at: next).name)
        }
        #expect(waiting.map(\.name) == [])
        #expect(plan.cells.allSatisfy { done.contains($0.job) })
    }

    @Test func oneArmOfSeveralTeachersFillsTheCacheAlone() throws {
        for seed in try shipped().settings.seeds {
            let starts = try shipped().jobs.filter {
                $0.name.hasSuffix("-s\(seed)-start") && $0.arguments[0] == "distill"
            }
            let first = starts.filter { $0.after == [LabPlan.scenes] }
            #expect(first.map(\.name) == ["mean-s\(seed)-start"])
            #expect(starts.allSatisfy { $0.name == first[0].name || $0.after == [first[0].name] })
        }
    }

    @Test func anotherSeedLeavesTheOthersJobsAsTheyAre() throws {
        let more = Set(try shipped(["seeds=[0, 1, 2, 7]"]).jobs.map(\.commandLine))
        #expect(try shipped().jobs.allSatisfy { more.contains($0.commandLine) })
    }

    @Test(arguments: [
        ("seeds=[]", "seeds"), ("seeds=[1, 1]", "seeds"), ("arms[1].name=scratch", "arms"),
        ("arms[1].name=a b", "name"), ("arms[0].start=nothing", "start"), ("stages[0].metrics={}", "name"),
        ("stages[1].metrics={mIoU: AP_box}", "stages"), ("+colour=red", "colour"),
    ])
    func refusesWhatMakesNoTable(_ override: String, _ key: String) throws {
        let error = try #require(throws: DataError.self) { try shipped([override]) }
        #expect(error.kind == .configuration && error.record?.contains(key) == true, "\(error)")
    }

    @Test func aMisspelledOverrideIsFoundBeforeTheFirstJob() throws {
        let settings = try shipped(["distill.overrides=[training.stpes=3]"]).settings
        #expect(throws: DataError.self) { try settings.checkRecipes() }
    }

    @Test func anEntryOfAnotherCommandIsRefused() throws {
        try withTemporaryFolder { folder in
            let job = try #require(try shipped().jobs.first)
            let ledger = LabLedger(folder: folder)
            try Folder.create(folder + "/jobs")
            #expect(try ledger.entry(job) == nil)
            let entry = LabEntry(
                arguments: job.arguments, toolVersion: "1", coreSeconds: 1.5, wallSeconds: 2, peakMemory: 3,
                document: .null)
            try ledger.write(entry, of: job)
            let found = try #require(try ledger.entry(job))
            #expect(found.coreSeconds == 1.5 && found.peakMemory == 3 && found.arguments == job.arguments)
            var other = job
            other.arguments.append("--json")
            #expect(throws: DataError.self) { try ledger.entry(other) }
            try AtomicFile.write("{}", to: ledger.file(job.name))
            #expect(throws: DataError.self) { try ledger.entry(job) }
        }
    }
}
