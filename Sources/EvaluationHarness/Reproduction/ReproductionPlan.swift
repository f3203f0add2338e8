import SafeFiles

/// The jobs that fill rows of a table, and what is missing for those that cannot begin.
///
/// Rows and tables that begin with the same student share its job: one folder serves all tables.
struct ReproductionPlan {
    /// A row's runs that are to come.
    struct Filling {
        /// The row's method and model.
        var title: String
        var seed: UInt64
        /// Names of its jobs, in order.
        var jobs: [String]
        /// Names of data sets and files of published checkpoints that have to be given first.
        var data: [String] = []
        var teachers: [String] = []
        /// Recipes that it runs, in order, with the task of those that train a head.
        var recipes: [(name: String, task: HeadTask?)]

        var missing: [String] { ReproductionPlan.options(data, teachers) }
    }

    /// What has to be given, as options: "--data coco=FOLDER", "--teachers FOLDER with a.pth, b.pth".
    private static func options(_ data: [String], _ teachers: [String]) -> [String] {
        data.map { "--data \($0)=FOLDER" }
            + (teachers.isEmpty ? [] : ["--teachers FOLDER with \(teachers.joined(separator: ", "))"])
    }

    /// Of the fillings that nothing is missing for, each once, in the order they may begin.
    private(set) var jobs: [LabJob] = []
    private(set) var fillings: [Filling] = []

    /// What stands in a command for a path that is not given.
    private static func placeholder(_ name: String) -> String { "<\(name)>" }

    /// - Parameters:
    ///   - rows: those without a number of ours.
    ///   - library: where recipes are found.
    init(
        _ rows: [PaperTable.Row], _ inputs: ReproductionInputs, _ library: RecipeLibrary
    ) throws(DataError) {
        var known: [String: LabJob] = [:]
        for row in rows {
            for seed in inputs.seeds {
                var filling = Filling(
                    title: row.model.isEmpty ? row.method : "\(row.method), \(row.model)", seed: seed, jobs: [],
                    recipes: [])
                let jobs: [LabJob]
                switch row.own {
                case .recipe(let request): jobs = try Self.jobs(request, seed, inputs, library, &filling)
                case .measured(let request):
                    if seed != inputs.seeds[0] { continue }
                    jobs = Self.jobs(request)
                case .none, .places: continue
                }
                filling.jobs = jobs.map(\.name)
                fillings.append(filling)
                for job in jobs {
                    all[job.name] = job
                    guard filling.missing.isEmpty, known[job.name] == nil else { continue }
                    known[job.name] = job
                    self.jobs.append(job)
                }
            }
        }
    }

    /// Every job by name, those that cannot begin as well.
    private(set) var all: [String: LabJob] = [:]

    /// Everything that has to be given for some row, each once.
    var missing: [String] {
        func once(_ names: [String]) -> [String] {
            var seen: Set<String> = []
            return names.filter { seen.insert($0).inserted }
        }
        return Self.options(once(fillings.flatMap(\.data)), once(fillings.flatMap(\.teachers)))
    }

    // MARK: Jobs

    private static func job(
        _ name: String, _ arguments: [String], after: [String] = [], output: String, resumes: Bool = false
    ) -> LabJob {
        LabJob(
            name: name, arguments: arguments, after: after, output: output, isResumable: resumes, coreSeconds: 0)
    }

    private static func jobs(_ request: NetworkRequest) -> [LabJob] {
        let file = "starts/\(RunFolder.slug(request.architecture)).safetensors"
        let draw = job(
            RunFolder.slug("draw-\(request.architecture)"), ["model", "draw", file, "--arch", request.architecture],
            output: file)
        let measure = job(
            request.job,
            [
                "model", "info", file, "--measure", "--size", "\(request.imageSize)", "--batch",
                "\(request.batchSize)", "--precision", request.precision, "--json",
            ], after: [draw.name], output: "")
        return [draw, measure]
    }

    private static func jobs(
        _ request: RunRequest, _ seed: UInt64, _ inputs: ReproductionInputs, _ library: RecipeLibrary,
        _ filling: inout Filling
    ) throws(DataError) -> [LabJob] {
        var jobs: [LabJob] = []
        var (checkpoint, after) = (String?.none, [String]())
        switch request.start {
        case .random: break
        case .published(let file, let source):
            let start = try published(file, source, inputs, &filling)
            (checkpoint, after) = (start.output, [start.name])
            jobs.append(start)
        case .distill(let recipe, let data):
            let start = try distil(recipe, data, seed, inputs, library, &filling)
            (checkpoint, after) = ("\(start.output)/student.safetensors", [start.name])
            jobs.append(start)
        }
        let folder = folder(request.data, inputs, &filling)
        let name = "\(request.jobName)-s\(seed)"
        if let train = request.train {
            let recipe = try library.load(train, overrides: request.overrides)
            let reader = recipe.reader()
            let task: HeadTask = try reader.choice("task")
            filling.recipes.append((train, task))
            let output = "runs/\(name)-train"
            jobs.append(
                job(
                    name + "-train",
                    ["train", task.rawValue, "--recipe", train, "--data", folder]
                        + (checkpoint.map { ["--checkpoint", $0] } ?? [])
                        + ["--out", output, "--seed", "\(seed)"] + request.overrides + ["+arm=\(request.arm)"],
                    after: after, output: output, resumes: true))
            (checkpoint, after) = ("\(output)/checkpoint.safetensors", [name + "-train"])
        }
        jobs.append(
            job(
                name,
                [
                    "eval", request.task.rawValue, "--checkpoint", checkpoint ?? "", "--data", folder, "--arm",
                    request.arm, "--out", "runs/\(name)", "--seed", "\(seed)", "--json",
                ] + request.arguments, after: after, output: "runs/\(name)"))
        return jobs
    }

    private static func folder(_ name: String, _ inputs: ReproductionInputs, _ filling: inout Filling) -> String {
        if let folder = inputs.data[name] { return folder }
        if !filling.data.contains(name) { filling.data.append(name) }
        return placeholder(name)
    }

    /// A published checkpoint as a backbone's file.
    private static func published(
        _ file: String, _ source: String, _ inputs: ReproductionInputs, _ filling: inout Filling
    ) throws(DataError) -> LabJob {
        let output = "starts/\(RunFolder.slug(file)).safetensors"
        return job(
            RunFolder.slug("start-\(file)"),
            ["model", "convert", teacher(file, inputs, &filling), output, "--source", source], output: output)
    }

    private static func teacher(_ file: String, _ inputs: ReproductionInputs, _ filling: inout Filling) -> String {
        if let path = inputs.teacher(file) { return path }
        if !filling.teachers.contains(file) { filling.teachers.append(file) }
        return placeholder(file)
    }

    private static func distil(
        _ name: String, _ data: String, _ seed: UInt64, _ inputs: ReproductionInputs, _ library: RecipeLibrary,
        _ filling: inout Filling
    ) throws(DataError) -> LabJob {
        let recipe = try library.load(name)
        filling.recipes.append((name, nil))
        let asked = try DistillationRun(recipe: recipe, seed: seed, resolvesTeachers: false).teachers
        var overrides: [String] = []
        if case .list(let entries)? = recipe.root["teachers"]?.content {
            for (place, entry) in entries.enumerated() {
                guard let teacher = asked.first(where: { $0.name == entry["name"]?.text }),
                    !teacher.file.hasPrefix("shipped:")
                else { continue }
                overrides.append("teachers[\(place)].checkpoint=\(Self.teacher(teacher.file, inputs, &filling))")
            }
        }
        let job = RunFolder.slug("start-\(RunRequest.shortName(name))") + "-s\(seed)"
        return Self.job(
            job,
            [
                "distill", "--recipe", name, "--data", folder(data, inputs, &filling), "--out", "starts/\(job)",
                "--seed",
                "\(seed)",
            ] + overrides, output: "starts/\(job)", resumes: true)
    }
}
