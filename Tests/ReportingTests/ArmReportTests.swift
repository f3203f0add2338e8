import Testing

@testable import Reporting

@Suite struct ArmReportTests {
    private func run(_ arm: String, _ miou: Double?, seed: UInt64) throws -> RunRecord {
        var draft = exampleDraft(arm: arm, miou: miou, seed: seed)
        // The records of two seeds differ in more than the seed.
        draft.checkpoint?.sha256 = String(repeating: seed % 2 == 0 ? "a" : "b", count: 64)
        return try RunRecord(draft)
    }

    private func tables(_ report: Report) -> [ReportTable] {
        report.sections.flatMap(\.blocks).compactMap { if case .table(let table) = $0 { table } else { nil } }
    }

    @Test func seedsOfAnArmAreSummarised() throws {
        let runs = [
            try run("dmt", 0.5, seed: 0), try run("dmt", 0.7, seed: 1), try run("mae", 0.4, seed: 0),
        ]
        let tables = tables(Report(title: "t", runs: runs, names: ["a", "b", "c"]))
        #expect(tables.count == 3)
        let arms = tables[0]
        #expect(arms.rows.map { $0[0].text } == ["dmt", "mae"] && arms.rows.map { $0[2].text } == ["2", "1"])
        // mean 0.6, sample deviation 0.1·√2; one run has no ±.
        #expect(arms.rows[0][3].text == "0.6000 ± 0.1414" && arms.rows[1][3].text == "0.4000")
        #expect(arms.marks()[0][3] == .best)
        #expect(tables[1].rows.map { $0[0].text } == ["a", "b", "c"])
        #expect(tables[1].marks().allSatisfy { $0.allSatisfy { $0 == .none } })
        #expect(tables[2].rows.map { $0[0].text } == ["dmt: backbone", "mae: backbone"])
    }

    @Test func oneRunAnArmNeedsNoSummary() throws {
        let runs = [try run("dmt", 0.5, seed: 0), try run("mae", 0.4, seed: 0)]
        let tables = tables(Report(title: "t", runs: runs))
        #expect(tables.count == 2 && tables[0].columns[0].title == "arm" && tables[0].marks()[0][4] == .best)
    }

    @Test func aCopyIsNoSecondSeed() throws {
        let one = try run("dmt", 0.5, seed: 0)
        let report = Report(title: "t", runs: [one, one, try run("mae", 0.4, seed: 0)], names: ["a", "a-copy", "b"])
        #expect(report.sections[0].blocks[0] == .warning("Counted once: a-copy is a copy of a run that is listed."))
        #expect(tables(report)[0].rows.count == 2)
    }

    @Test func undefinedSeedsAreCountedApart() throws {
        let runs = [try run("dmt", 0.5, seed: 0), try run("dmt", nil, seed: 1)]
        let arms = tables(Report(title: "t", runs: runs))[0]
        #expect(arms.rows[0][3].text == "0.5000 (1 of 2 runs)" && arms.rows[0][3].spread == nil)
    }
}
