import Foundation
import JSONText
import Reporting
import SafeFiles
import Testing

@testable import EvaluationHarness

struct PaperTableTests {
    static let own = """
        name: mine
        title: My table
        notes: [A note.]
        images: 2000
        task: segment
        data: ade20k
        sources: {paper: "https://example.org/paper"}
        columns:
          mIoU: {title: mIoU, scale: 100, digits: 1}
        groups:
          - title: One recipe
            one_recipe: true
            rows:
              - {method: theirs, model: ViT-B, published: {mIoU: 48.1}, mark: R, sources: [paper], differs: longer}
              - {method: derived, published: {mIoU: 45.0}, mark: I, sources: [paper], derivation: 48.1 minus 3.1}
              - {method: words, published: {mIoU: "up by 4 %"}, mark: R, sources: [paper]}
              - {method: ours, model: ViT-Ti, runs: [runs/a, runs/b, runs/absent]}
              - {method: recipe, run: {arm: dmt, train: paper/upernet-ade20k-mae-vit-b, arguments: ["--window", "512"]}}
        """

    private func load(_ text: String) throws -> PaperTable {
        try withTemporaryFolder { folder in
            try write(text, to: folder + "/table.yaml")
            return try PaperTable.load(folder + "/table.yaml")
        }
    }

    @Test func theShippedTablesAreWhole() throws {
        #expect(try PaperTable.names() == ["ade20k", "coco", "efficiency", "imagenet"])
        let library = try RecipeLibrary.shipped()
        for name in try PaperTable.names() {
            let table = try PaperTable.load(name)
            #expect(table.name == name)
            var used: Set<String> = []
            for group in table.groups {
                for row in group.rows {
                    used.formUnion(row.sources)
                    if group.ranks { #expect(row.evidence != .inferred, "\(name): \(row.method) is no reading") }
                }
            }
            #expect(used == Set(table.sources.map(\.id)))
            #expect(table.sources.allSatisfy { $0.place.hasPrefix("https://") })
            // Every run can be planned with nothing but names.
            let inputs = try ReproductionInputs(data: [], teachers: nil, seeds: [0, 1])
            let plan = try ReproductionPlan(table.groups.flatMap(\.rows), inputs, library)
            #expect(plan.fillings.count == 2 * table.requests.count + table.networks.count)
            #expect(plan.jobs.isEmpty == (name != "efficiency"))
        }
    }

    /// DMT's own numbers: one derived, one as the abstract states it, and no other.
    @Test func theMethodsOwnRowsHoldWhatIsKnown() throws {
        var found: [String] = []
        for name in try PaperTable.names() {
            for row in try PaperTable.load(name).groups.flatMap(\.rows) where row.method.hasPrefix("DMT") {
                for (key, value) in row.published {
                    found.append("\(name) \(key) \(value) \(row.evidence?.rawValue ?? "")")
                    #expect(row.evidence == .read || row.derivation?.contains("71.6") == true)
                }
            }
        }
        #expect(
            found.sorted() == [
                "ade20k mIoU words(\"gain of 4.0 %\") R", "coco AP_box words(\"gain of 4.0 %\") R",
                "imagenet top1 number(75.0) I",
            ])
    }

    /// One detector and schedule a table: rows of other groups carry other titles, and no row stands twice.
    @Test func detectorsAreNeverMixed() throws {
        let table = try PaperTable.load("coco")
        #expect(Set(table.groups.map(\.title)).count == table.groups.count)
        func group(_ box: Double) -> [String] {
            table.groups.filter { $0.rows.contains { $0.published["AP_box"] == .number(box) } }.map(\.title)
        }
        #expect(group(42.3) == ["ViTDet Mask R-CNN, ViT-Ti, 100 epochs at 640 pixels"] && group(39.9) == group(42.3))
        #expect(group(48.4) == ["Mask R-CNN 1x on four taps of a plain ViT-B"] && group(51.6) != group(48.4))
        #expect(group(51.2) == ["Cascade Mask R-CNN 1x"])
        // 51.5 is DINOv2's under ViT-Adapter; iBOT's 51.5 stands in words beside its own row.
        #expect(group(51.5).count == 1)
    }

    @Test(arguments: [
        ("mIoU: 48.1", "mIuo: 48.1", "mIuo"),
        ("mark: R, sources: [paper], differs", "mark: Q, sources: [paper], differs", "mark"),
        ("sources: [paper], derivation", "sources: [papr], derivation", "sources"), ("name: mine", "nam: mine", "name"),
        (", derivation: 48.1 minus 3.1", "", "derivation"), ("one_recipe: true", "one_recipe: maybe", "one_recipe"),
        ("model: ViT-Ti, runs", "run: {arm: x}, runs", "run"), ("mark: R, sources: [paper]}", "mark: R}", "sources"),
        ("notes: [A note.]", "colour: red", "colour"), ("48.1}, mark", "much}, mark", "mIoU"),
        ("mIoU: {title: mIoU, scale: 100, digits: 1}", "mIoU: {title: mIoU, scale: 0}", "scale"),
    ])
    func aWrongTableIsRefusedByKeyAndLine(_ old: String, _ new: String, _ key: String) throws {
        #expect(Self.own.contains(old))
        let error = try #require(throws: DataError.self) {
            try load(Self.own.replacing(old, with: new, maxReplacements: 1))
        }
        #expect(error.kind == .configuration && "\(error)".contains(key), "\(error)")
    }

    @Test func anUnknownTableIsToldFromAMisspelledOne() throws {
        let near = try #require(throws: DataError.self) { try PaperTable.load("imagnet") }
        #expect(near.kind == .missing && near.remedy == "did you mean 'imagenet'?")
        let far = try #require(throws: DataError.self) { try PaperTable.load("xyz") }
        #expect(far.remedy.contains("coco"))
    }

    /// The table that the documentation shows is one.
    @Test func theDocumentedTableIsRead() throws {
        let page = try text(of: #require(SourceCheckout.folder) + "/Documentation/reproduce.md")
        let yaml = try #require(page.firstMatch(of: /```yaml\n((?s:.*?))```/))
        let table = try load(String(yaml.1))
        #expect(table.groups.flatMap(\.rows).count == 3 && table.requests.map(\.arm) == ["dmt"])
    }

    @Test func namedRunsAreSummarisedAndMixedWithCitedRows() throws {
        try withTemporaryFolder { folder in
            try write(Self.own, to: folder + "/table.yaml")
            try RecordFixture(seed: 0, metrics: [("mIoU", 0.41)]).write(to: folder + "/runs/a")
            try RecordFixture(seed: 1, metrics: [("mIoU", 0.43)]).write(to: folder + "/runs/b")
            let table = try PaperTable.load(folder + "/table.yaml")
            let inputs = try ReproductionInputs(data: [], teachers: nil, seeds: [0])
            let reproduction = try Reproduction(table, runs: folder + "/runs", inputs: inputs)
            let text = try reproduction.text(.markdown)
            #expect(text.contains("| theirs | ViT-B | **48.1** | – | R | \\[1\\] | longer |"), "\(text)")
            #expect(text.contains("| ours | ViT-Ti | – | 42.0 ± 1.4 (2 runs) |"))
            #expect(text.contains("| words |  | up by 4 % | – | R |") && text.contains("| recipe |  | – | no run |"))
            #expect(text.contains("derived: 48.1 minus 3.1") && text.contains("https://example.org/paper"))
            for format in ReportFormat.allCases {
                #expect(try reproduction.text(format).contains("My table") || format == .csv)
            }
            let json = try JSONValue.parse(try reproduction.text(.json), file: "table")
            #expect(json["cells"]?.int == 2 && json["filled"]?.int == 1 && json["table"]?.string == "mine")
        }
    }
}
