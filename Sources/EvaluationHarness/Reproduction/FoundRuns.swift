import Reporting
import SafeFiles

/// The finished evaluations below some folders, and the numbers that a table takes from them.
struct FoundRuns {
    /// What runs say about a row.
    struct Answer {
        /// Those that the numbers come from.
        var runs: [(path: String, record: RunRecord)] = []
        /// By the columns' keys, in the units of records.
        var values: [String: SeedSummary] = [:]
        /// What a reader of the number has to know: other settings, other pictures, other runs that were left out.
        var notes: [String] = []
        /// Whether the number was made as the row says.
        var isFaithful = true
    }

    private(set) var records: [(path: String, record: RunRecord)] = []
    /// Records that cannot be read.
    private(set) var problems: [String] = []

    /// - Parameter folders: searched for runs; those that are not there hold none.
    init(_ folders: [String]) throws(DataError) {
        var seen: Set<String> = []
        for folder in folders where Folder.exists(folder) {
            for run in try RunCatalogue.folders(in: folder) where seen.insert(run).inserted { try add(run) }
        }
    }

    /// Run folders or records, each named.
    init(places: [String]) throws(DataError) {
        for place in places { try add(place) }
    }

    /// - Throws: `.deviceFailed`: a table without a run that is there would be another table.
    private mutating func add(_ place: String) throws(DataError) {
        let path = Folder.exists(place) ? "\(place)/run.json" : place
        guard FileBytes.exists(path) else { return }
        do { records.append((place, try RunRecord.load(path))) } catch {
            if error.kind == .deviceFailed { throw error }
            problems.append("\(error)")
        }
    }

    /// Settings of a training that change no number.
    private static let idle: Set = [
        "arm", "name", "kind", "source", "cost", "expected", "training.save_every", "training.keep",
    ]

    /// The runs of a request: its arm, task and recipe.
    func answer(
        _ request: RunRequest, _ columns: [PaperTable.Column], images: Int?, library: RecipeLibrary
    ) throws(DataError) -> Answer {
        let name = try request.train.map { train throws(DataError) in
            try library.load(train, overrides: request.overrides).name
        }
        let matching = records.filter { run in
            let f = run.record.fields
            return f.arm == request.arm && f.task.hasPrefix(request.task.rawValue + ".")
                && (name == nil || f.settings.contains { $0.key == "training.name" && $0.value == name })
        }
        guard let train = request.train else { return Self.answer(matching, columns, images: images) }
        let recipe = try library.load(train, overrides: request.overrides)
        let faithful = matching.filter { Self.changes($0.record, recipe).isEmpty }
        var answer = Self.answer(faithful.isEmpty ? matching : faithful, columns, images: images)
        if faithful.isEmpty && !matching.isEmpty {
            answer.isFaithful = false
            let changed = Set(answer.runs.flatMap { Self.changes($0.record, recipe) }).sorted()
            answer.notes.append("other settings than the recipe's: \(changed.joined(separator: ", "))")
        } else if faithful.count < matching.count {
            let others = matching.filter { run in !faithful.contains { $0.path == run.path } }.map(\.path)
            answer.notes.append("runs of other settings are left out: \(others.sorted().joined(separator: ", "))")
        }
        return answer
    }

    /// What a run's training was told otherwise than its recipe says.
    private static func changes(_ record: RunRecord, _ recipe: Recipe) -> [String] {
        let expected = Dictionary(uniqueKeysWithValues: recipe.settings.map { ($0.key, $0.value) })
        var found: [String: String] = [:]
        for setting in record.fields.settings where setting.key.hasPrefix("training.") {
            found[String(setting.key.dropFirst("training.".count))] = setting.value
        }
        return Set(expected.keys).union(found.keys).subtracting(idle).sorted().compactMap { key in
            guard !isEqual(expected[key], found[key]) else { return nil }
            return "\(key) \(found[key] ?? "not set") in place of \(expected[key] ?? "nothing")"
        }
    }

    /// `160_000` and `160000` are one number.
    private static func isEqual(_ a: String?, _ b: String?) -> Bool {
        if a == b { return true }
        guard let a, let b, let x = Double(a.filter { $0 != "_" }), let y = Double(b.filter { $0 != "_" }) else {
            return false
        }
        return x == y
    }

    /// The numbers of runs that are one arm's; of several protocols those of the one with the most runs.
    static func answer(
        _ runs: [(path: String, record: RunRecord)], _ columns: [PaperTable.Column], images: Int?
    ) -> Answer {
        var groups: [[(path: String, record: RunRecord)]] = []
        for run in runs {
            if let place = groups.firstIndex(where: { $0[0].record.isComparable(to: run.record) }) {
                let text = run.record.json(.reproducible)
                // The same run twice is no second seed.
                if !groups[place].contains(where: { $0.record.json(.reproducible) == text }) {
                    groups[place].append(run)
                }
            } else {
                groups.append([run])
            }
        }
        var answer = Answer()
        // Of equally many the later name: run folders begin with their time.
        guard let used = groups.max(by: { ($0.count, $0[0].path) < ($1.count, $1[0].path) }) else { return answer }
        answer.runs = used
        for column in columns {
            answer.values[column.key] = SeedSummary(used.compactMap { $0.record.metric(column.metric)?.value })
        }
        let dataset = used[0].record.fields.dataset
        if let images, dataset.scoredImages != images || dataset.listedImages != images {
            answer.isFaithful = false
            answer.notes.append(
                "scored on \(dataset.coverage) of \(dataset.name) \(dataset.split), where the table's split has \(images)"
            )
        }
        let others = groups.filter { $0[0].path != used[0].path }.flatMap { $0 }
        if !others.isEmpty {
            answer.notes.append(
                "runs of another protocol are left out: " + others.map(\.path).sorted().joined(separator: ", "))
        }
        return answer
    }
}
