import JSONText
import Reporting

/// A table of published numbers beside ours, as a report.
struct ReproductionReport {
    let table: PaperTable
    /// What our runs say, by the row's place: group, row. Nil for rows that no run is asked of.
    let answers: [[FoundRuns.Answer?]]
    /// Records that could not be read.
    let problems: [String]

    /// Cells of ours, and those that hold a number.
    var counts: (cells: Int, filled: Int) {
        var (cells, filled) = (0, 0)
        for (group, answers) in zip(table.groups, answers) {
            for case .some(let answer) in answers {
                cells += group.columns.count
                filled += group.columns.count { answer.values[$0.key] != nil }
            }
        }
        return (cells, filled)
    }

    var json: JSONValue {
        guard case .object(let members) = JSONRenderer().json(report) else { return .null }
        let counts = counts
        return .object(
            members + [
                ("table", .string(table.name)), ("cells", .int(Int64(counts.cells))),
                ("filled", .int(Int64(counts.filled))),
            ])
    }

    var report: Report {
        let counts = counts
        var introduction = table.notes
        introduction.append(
            "Published numbers are marked R where they were read in the source and I where they are derived from what was "
                + "read. 'here' is ours: mean ± standard deviation over seeds, 'no run' where no run was found, – where none "
                + "is asked for. \(counts.filled) of \(counts.cells) cells of ours are filled.")
        if table.groups.contains(where: { !$0.ranks }) {
            introduction.append("A best number is marked only in tables whose rows stand under one recipe.")
        }
        var sections = table.groups.indices.map(section)
        let derived = table.groups.flatMap(\.rows).filter { $0.derivation != nil }
        if !derived.isEmpty {
            sections.append(
                ReportSection(
                    heading: "Derivations",
                    blocks: derived.map { .paragraph("\(title($0)): \($0.derivation ?? "")") }))
        }
        if !table.sources.isEmpty {
            sections.append(ReportSection(heading: "Sources", blocks: [.table(sources)]))
        }
        if !problems.isEmpty {
            sections.append(
                ReportSection(heading: "Records that cannot be read", blocks: problems.map { .warning($0) }))
        }
        return Report(title: table.title, introduction: introduction, sections: sections)
    }

    private func title(_ row: PaperTable.Row) -> String {
        row.model.isEmpty ? row.method : "\(row.method), \(row.model)"
    }

    private var sources: ReportTable {
        ReportTable(
            columns: [.init("number", .right), .init("place")],
            rows: table.sources.enumerated().map { [.text("\($0 + 1)"), .text($1.place)] })
    }

    private func section(_ place: Int) -> ReportSection {
        let group = table.groups[place]
        let answers = answers[place]
        let hasPublished = group.rows.contains { !$0.published.isEmpty }
        let hasOwn = answers.contains { $0 != nil }
        let hasDifferences = group.rows.contains { !$0.difference.isEmpty }
        // A number made in another way than its neighbours wins nothing.
        let ranksOwn = answers.allSatisfy { $0?.isFaithful ?? true }
        var columns: [ReportTable.Column] = [.init("method"), .init("model")]
        // A column that no source fills is ours alone.
        func isPublished(_ column: PaperTable.Column) -> Bool {
            !hasOwn || group.rows.contains { $0.published[column.key] != nil }
        }
        for column in group.columns {
            if isPublished(column) { columns.append(.init(column.title, .right, direction: column.direction)) }
            if hasOwn {
                columns.append(
                    .init("\(column.title), here", .right, direction: ranksOwn ? column.direction : nil))
            }
        }
        if hasPublished { columns += [.init("mark"), .init("source")] }
        if hasDifferences { columns.append(.init("recipe differs")) }
        var result = ReportTable(columns: columns)
        result.ranks = group.ranks
        var notes: [ReportBlock] = []
        for (row, answer) in zip(group.rows, answers) {
            var cells: [ReportTable.Cell] = [.text(row.method), .text(row.model)]
            for column in group.columns {
                if isPublished(column) { cells.append(Self.published(row.published[column.key], column)) }
                if hasOwn { cells.append(Self.own(answer, column)) }
            }
            if hasPublished {
                cells += [
                    .text(row.evidence?.rawValue ?? ""),
                    .text(row.sources.compactMap(number).map { "[\($0)]" }.joined(separator: " ")),
                ]
            }
            if hasDifferences { cells.append(.text(row.difference)) }
            result.add(cells)
            for note in answer?.notes ?? [] { notes.append(.warning("† \(title(row)): \(note).")) }
        }
        let note: [ReportBlock] = group.note.map { [.paragraph($0)] } ?? []
        return ReportSection(heading: group.title, blocks: note + [.table(result)] + notes)
    }

    private func number(_ source: String) -> Int? {
        table.sources.firstIndex { $0.id == source }.map { $0 + 1 }
    }

    private static func published(_ value: PaperTable.Published?, _ column: PaperTable.Column) -> ReportTable.Cell {
        switch value {
        case .number(let number): .number(number, digits: column.digits)
        case .words(let words): .text(words)
        case nil: .text("–")
        }
    }

    private static func own(_ answer: FoundRuns.Answer?, _ column: PaperTable.Column) -> ReportTable.Cell {
        guard let answer else { return .text("–") }
        guard let summary = answer.values[column.key] else { return .text("no run") }
        var cell = ReportTable.Cell.number(
            summary.mean * column.scale, spread: summary.standardDeviation.map { $0 * column.scale },
            digits: column.digits)
        if summary.seedCount > 1 { cell.text += " (\(summary.seedCount) runs)" }
        if !answer.notes.isEmpty { cell.text += " †" }
        return cell
    }
}
