import Foundation
import Reporting
import SafeFiles
import VisionBackbones

extension PaperTable {
    /// Folder of the shipped tables.
    static func folder() throws(DataError) -> String { try ResourceLocator.current().folder + "/tables" }

    /// Names of the shipped tables, in ascending order.
    public static func names() throws(DataError) -> [String] {
        try Folder.entries(folder()).filter { $0.hasSuffix(".yaml") }.map { $0.trimmingSuffix(".yaml") }
    }

    /// Loads a shipped table, or a user's file.
    ///
    /// - Throws: `.missing` for neither; `.configuration` for everything wrong inside.
    public static func load(_ nameOrFile: String) throws(DataError) -> PaperTable {
        if nameOrFile.hasSuffix(".yaml") || nameOrFile.hasSuffix(".yml") { return try PaperTable(file: nameOrFile) }
        let known = try names()
        guard known.contains(nameOrFile) else {
            let near = Spelling.nearest(to: nameOrFile, among: known + ["lab"])
            throw DataError(
                .missing, file: nameOrFile, expected: "the name of a table, or a .yaml file", found: "neither",
                remedy: near.map { "did you mean '\($0)'?" } ?? "known: " + (known + ["lab"]).joined(separator: ", "))
        }
        return try PaperTable(file: folder() + "/\(nameOrFile).yaml")
    }

    init(file: String) throws(DataError) {
        // The file alone: a table has no chain and no shipped base.
        let reader = try Recipe.load(file: file).reader()
        name = try reader.value("name")
        title = try reader.value("title")
        notes = try reader.value("notes", default: [])
        self.file = file
        sources = []
        if let map = try reader.optionalMap("sources") {
            sources = try map.keys.map { id throws(DataError) in (id, try map.value(id)) }
        }
        images = reader.has("images") ? try reader.int("images", in: 1...1_000_000_000) : nil
        let runs = RunDefaults(
            task: reader.has("task") ? try reader.choice("task", as: EvaluationTask.self) : nil,
            data: try reader.optional("data"), folder: Self.absolute(Folder.parent(of: file)))
        let map = try reader.map("columns")
        let columns = try map.keys.map { key throws(DataError) in try Column(key: key, try map.map(key)) }
        let known = Set(sources.map(\.id))
        groups = try reader.maps("groups").map { map throws(DataError) in
            try Group(map, columns, sources: known, runs)
        }
        guard !groups.isEmpty, !columns.isEmpty else {
            throw reader.refused(
                groups.isEmpty ? "groups" : "columns", expected: "one at least", found: "none",
                "see Documentation/reproduce.md for the format")
        }
        try reader.assertAllKeysRead()
        try checkArms(reader)
    }

    private static func absolute(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Rows of one arm are filled by the same runs: two that ask for different ones cannot be told apart.
    private func checkArms(_ reader: RecipeReader) throws(DataError) {
        var seen: [String: RunRequest] = [:]
        for request in requests {
            let key = request.jobName
            if let other = seen[key], other != request {
                throw reader.refused(
                    "groups", expected: "rows whose runs have different arms, tasks or recipes",
                    found: "two different ones of \(key)", "give one of them another arm")
            }
            seen[key] = request
        }
    }
}

/// What rows say about their runs unless they say it themselves.
private struct RunDefaults {
    var task: EvaluationTask?
    var data: String?
    /// The table's, absolute: relative paths in the table start from it.
    var folder: String

    func path(_ text: String) -> String { text.hasPrefix("/") ? text : "\(folder)/\(text)" }

    /// A shipped recipe's name as it is, a file's path from the table's folder.
    func recipe(_ text: String) -> String { text.hasSuffix(".yaml") || text.hasSuffix(".yml") ? path(text) : text }
}

extension PaperTable.Column {
    private enum Direction: String, CaseIterable { case higher, lower }

    fileprivate init(key: String, _ reader: RecipeReader) throws(DataError) {
        self.key = key
        title = try reader.value("title", default: key)
        metric = try reader.value("metric", default: key)
        direction =
            try reader.choice("better", default: Direction.higher) == .higher ? .higherIsBetter : .lowerIsBetter
        scale = try reader.double("scale", in: 1e-15...1e15, default: 1)
        digits = try reader.int("digits", in: 0...8, default: 1)
    }
}

extension PaperTable.Group {
    fileprivate init(
        _ reader: RecipeReader, _ all: [PaperTable.Column], sources: Set<String>, _ runs: RunDefaults
    ) throws(DataError) {
        title = try reader.value("title")
        note = try reader.optional("note")
        ranks = try reader.value("one_recipe")
        let names: [String] = try reader.value("columns", default: all.map(\.key))
        columns = try names.map { name throws(DataError) in
            guard let column = all.first(where: { $0.key == name }) else {
                throw reader.refused(
                    "columns", expected: "some of \(all.map(\.key).joined(separator: ", "))", found: "'\(name)'",
                    "name a column of the table")
            }
            return column
        }
        let columns = columns
        rows = try reader.maps("rows").map { map throws(DataError) in
            try PaperTable.Row(map, columns, sources: sources, runs)
        }
        guard !rows.isEmpty, Set(names).count == names.count, !names.isEmpty else {
            throw reader.refused(
                rows.isEmpty ? "rows" : "columns", expected: "one at least, each once", found: "\(names)",
                "correct the group")
        }
    }
}

extension PaperTable.Row {
    fileprivate init(
        _ reader: RecipeReader, _ columns: [PaperTable.Column], sources known: Set<String>, _ runs: RunDefaults
    ) throws(DataError) {
        method = try reader.value("method")
        model = try reader.value("model", default: "")
        difference = try reader.value("differs", default: "")
        sources = try reader.value("sources", default: [])
        derivation = try reader.optional("derivation")
        published = [:]
        evidence = nil
        if let map = try reader.optionalMap("published") {
            for key in map.keys { published[key] = try Self.published(map, key, columns) }
            evidence = try reader.choice("mark")
        }
        if let unknown = sources.first(where: { !known.contains($0) }) {
            throw reader.refused(
                "sources", expected: "some of \(known.sorted().joined(separator: ", "))", found: "'\(unknown)'",
                "add it to the table's 'sources'")
        }
        guard published.isEmpty || !sources.isEmpty else {
            throw reader.refused(
                "sources", expected: "where the published numbers stand", found: "nothing", "name a source")
        }
        guard evidence != .inferred || derivation != nil else {
            throw reader.refused(
                "derivation", expected: "how the number follows, for the mark I", found: "nothing", "add it")
        }
        own = try Self.own(reader, runs)
    }

    /// A quoted value is words, another one a number.
    private static func published(
        _ map: RecipeReader, _ key: String, _ columns: [PaperTable.Column]
    ) throws(DataError) -> PaperTable.Published {
        guard columns.contains(where: { $0.key == key }) else {
            throw map.refused(
                key, expected: "one of \(columns.map(\.key).joined(separator: ", "))", found: "another column",
                "name a column of the group")
        }
        if case .scalar(let text, isQuoted: true)? = map.node[key]?.content {
            _ = map.has(key)
            return .words(text)
        }
        return .number(try map.value(key))
    }

    private static func own(_ reader: RecipeReader, _ runs: RunDefaults) throws(DataError) -> PaperTable.Own {
        let given = ["run", "runs", "measure"].filter(reader.has)
        guard given.count <= 1 else {
            throw reader.refused(
                given[1], expected: "one of run, runs and measure", found: given.joined(separator: " and "),
                "keep one of them")
        }
        if let map = try reader.optionalMap("run") { return .recipe(try RunRequest(map, runs)) }
        if let map = try reader.optionalMap("measure") { return .measured(try NetworkRequest(map)) }
        if let places: [String] = try reader.optional("runs") { return .places(places.map(runs.path)) }
        return .none
    }
}

extension RunRequest {
    fileprivate init(_ reader: RecipeReader, _ runs: RunDefaults) throws(DataError) {
        arm = try reader.value("arm")
        train = try reader.optional("train").map(runs.recipe)
        overrides = try reader.value("overrides", default: [])
        task = if let task = runs.task { try reader.choice("task", default: task) } else { try reader.choice("task") }
        arguments = try reader.value("arguments", default: [])
        data = if let data = runs.data { try reader.value("data", default: data) } else { try reader.value("data") }
        guard let map = try reader.optionalMap("start") else {
            start = .random
            guard train != nil else {
                throw reader.refused("start", expected: "a start for a probe", found: "nothing", "add 'start:'")
            }
            return
        }
        if let recipe: String = try map.optional("distill") {
            start = .distill(recipe: runs.recipe(recipe), data: try map.value("data", default: data))
        } else {
            start = .published(file: try map.value("published"), source: try map.value("source"))
        }
    }

    /// What tells the runs of a row from those of others.
    var jobName: String { RunFolder.slug("\(arm)-\(task.rawValue)-\(train.map(Self.shortName) ?? "frozen")") }

    /// A recipe's name; of a file its own name without ending.
    static func shortName(_ recipe: String) -> String {
        recipe.hasPrefix("/") ? Folder.name(of: recipe).trimmingSuffix(".yaml").trimmingSuffix(".yml") : recipe
    }
}

extension NetworkRequest {
    fileprivate init(_ reader: RecipeReader) throws(DataError) {
        architecture = try reader.value("network")
        imageSize = try reader.int("image", in: 16...4096, default: 224)
        batchSize = try reader.int("batch", in: 1...4096, default: 8)
        precision = try reader.choice("precision", default: ProductPrecision.f32).rawValue
        guard ViTVariants.named(architecture) != nil else {
            throw reader.refused(
                "network", expected: "one of \(ViTVariants.names.joined(separator: ", "))", found: "'\(architecture)'",
                "choose one of them")
        }
    }
}
