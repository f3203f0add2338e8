import JSONText
import SafeFiles

/// What is known of a job that came to its end: a file of the lab's folder, written after the job.
struct LabEntry {
    var arguments: [String]
    var toolVersion: String
    var coreSeconds: Double
    var wallSeconds: Double
    /// Bytes.
    var peakMemory: Int
    /// What the job printed, where that is JSON.
    var document: JSONValue
}

/// The jobs of a lab that are done: `jobs/NAME.json`, one a job.
struct LabLedger {
    let folder: String

    func file(_ job: String) -> String { "\(folder)/jobs/\(job).json" }

    /// The entry of a job; nil while it is not done.
    ///
    /// - Throws: `.configuration` for a job of this name that was another command.
    func entry(_ job: LabJob) throws(DataError) -> LabEntry? {
        guard FileBytes.exists(file(job.name)) else { return nil }
        let found = try read(job.name)
        guard found.arguments == job.arguments else {
            throw DataError(
                .configuration, file: file(job.name), expected: job.commandLine,
                found: (["dmt"] + found.arguments).map(RunFolder.quoted).joined(separator: " "),
                remedy: "choose another --out for a changed recipe, or remove what the change made old")
        }
        return found
    }

    /// The entries of those jobs that are done, by name.
    func entries(of jobs: [LabJob]) throws(DataError) -> [String: LabEntry] {
        var entries: [String: LabEntry] = [:]
        for job in jobs { entries[job.name] = try entry(job) }
        return entries
    }

    /// What a job printed, whatever its command was; nil while it is not done.
    func document(of job: String) throws(DataError) -> JSONValue? {
        FileBytes.exists(file(job)) ? try read(job).document : nil
    }

    private func read(_ job: String) throws(DataError) -> LabEntry {
        let path = file(job)
        let bytes = try FileBytes.read(path, limit: 64 << 20)
        guard let json = try? JSONValue.parse(bytes, file: path), let words = json["arguments"]?.array,
            let version = json["tool_version"]?.string, let core = json["core_seconds"]?.double,
            let wall = json["wall_seconds"]?.double, let memory = json["peak_memory"]?.int
        else {
            throw DataError(
                .malformed, file: path, expected: "the entry of a lab's job", found: "something else",
                remedy: "remove the file; the job runs again")
        }
        return LabEntry(
            arguments: words.compactMap(\.string), toolVersion: version, coreSeconds: core, wallSeconds: wall,
            peakMemory: Int(memory), document: json["document"] ?? .null)
    }

    func write(_ entry: LabEntry, of job: LabJob) throws(DataError) {
        let document = JSONValue.object([
            ("schema_version", .int(1)), ("job", .string(job.name)),
            ("arguments", .array(entry.arguments.map(JSONValue.string))), ("tool_version", .string(entry.toolVersion)),
            ("core_seconds", .double(entry.coreSeconds)), ("wall_seconds", .double(entry.wallSeconds)),
            ("peak_memory", .int(Int64(entry.peakMemory))), ("document", entry.document),
        ])
        try AtomicFile.write(document.text(pretty: true) + "\n", to: file(job.name))
    }
}
