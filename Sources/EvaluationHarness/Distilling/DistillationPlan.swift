import Distillation
import JSONText
import Reporting
import SafeFiles
import VisionBackbones

/// What a distillation would do and cost here: from the recipe and a few steps on blank pictures; no checkpoint, no data.
public struct DistillationPlan {
    private let run: DistillationRun
    private let cost: DistillationCost?
    /// Teachers whose shape neither recipe nor file tells.
    private let unknown: [String]
    private let teacherWidths: [Int]
    /// Pictures of a step.
    private let batch: Int
    /// Of the data set, where it is known, as many as the recipe takes.
    private let pictureCount: Int?

    /// Measures the cost, which takes a few steps' time.
    ///
    /// - Parameters:
    ///   - pictures: of the data set, where it is known: a smaller one than the recipe's batch is a batch.
    ///   - times: whether steps are timed; without them only memory is known.
    public init(_ run: DistillationRun, pictures: Int? = nil, times: Bool = true) throws(DataError) {
        self.run = run
        batch = min(run.settings.batchSize, pictures ?? run.settings.batchSize)
        pictureCount = pictures ?? run.settings.limit
        var shapes: [(name: String, shape: ViTConfiguration)] = []
        var unknown: [String] = []
        for teacher in run.teachers {
            guard let shape = try teacher.shape() else {
                unknown.append(teacher.name)
                continue
            }
            try run.settings.assertTakes(teacher, shape)
            shapes.append((teacher.name, shape))
        }
        self.unknown = unknown
        teacherWidths = shapes.map(\.shape.width)
        cost = unknown.isEmpty ? DistillationCost.measure(run.settings, teachers: shapes, times: times) : nil
    }

    private var settings: DistillationSettings { run.settings }
    private var pictures: Int { settings.steps * settings.batchSize }
    /// Pictures a step holds at a time.
    private var heldPictures: Int { batch / settings.parts(of: batch) }

    /// Views of one picture whose tokens are kept, but for their mirror images.
    private var copies: Int { settings.crops?.count ?? 1 }

    /// Bytes of teachers' tokens for one picture in both mirror images; nil where none are kept.
    private var cachedBytesPerPicture: Int? {
        guard settings.views == .cached else { return nil }
        let side = settings.viewSide / settings.student.patchSize
        let views = PictureView.allCases.count * copies
        return teacherWidths.reduce(0) {
            $0 + TeacherFeatureCache.byteCount(samples: 1, views: views, patches: side * side, width: $1)
        }
    }

    /// Pictures whose teacher tokens are kept, where recipe or data tell.
    private var cachedPictures: Int? { settings.views == .cached ? pictureCount : nil }

    /// Seconds of student and of teachers; the latter nil where their number of passes depends on the data set.
    private func seconds(_ cost: DistillationCost) -> (training: Double, teachers: Double?) {
        let training = cost.trainingSeconds * Double(pictures)
        guard settings.views == .cached else { return (training, cost.teacherSeconds * Double(pictures)) }
        let views = PictureView.allCases.count * copies
        return (training, cachedPictures.map { cost.teacherSeconds * Double($0 * views) })
    }

    /// Student, optimizer, teachers, one part of a batch, views and tokens that are kept; nil where a teacher's shape is not
    /// known.
    var demand: MemoryDemand? {
        guard let cost else { return nil }
        let average = settings.averageDecay == nil ? 0 : 4 * settings.student.parameterCount()
        return MemoryDemand(
            fixedBytes: cost.fixedBytes + average + keptBytes, pictureBytes: cost.pictureBytes, batch: batch,
            recipeBatch: settings.batchSize, held: heldPictures, key: MemoryDemand.key(of: settings.microBatch))
    }

    /// Views and teachers' tokens in memory: of all pictures where views are cached, else the views of the batches to come.
    var keptBytes: Int {
        let views = settings.views == .cached ? copies * (cachedPictures ?? 0) : 3 * batch
        let tokens = run.featureFolder == nil ? (cachedBytesPerPicture ?? 0) * (cachedPictures ?? 0) : 0
        return views * settings.viewSide * settings.viewSide * 3 + tokens
    }

    /// Student and the snapshots kept: values, their average, moments.
    private var disk: Int {
        let parameters = settings.student.parameterCount()
        let kept = run.featureFolder == nil ? 0 : (cachedBytesPerPicture ?? 0) * (cachedPictures ?? 0)
        let copies = settings.averageDecay == nil ? 1 : 2
        return 4 * parameters * (copies + (copies + settings.optimizer.momentCount) * settings.snapshots.keep) + kept
    }

    public var json: JSONValue {
        let vit = settings.student
        let side = settings.viewSide / vit.patchSize
        var fields: [(String, JSONValue)] = [
            ("schema_version", .int(1)), ("recipe", .string(run.recipe.name)),
            ("teachers", .array(run.teachers.map { .string($0.name) })),
            ("fusion", .string(settings.fusion.rawValue)), ("views", .string(settings.views.rawValue)),
            ("student_parameters", .int(Int64(vit.parameterCount()))),
            ("student_tokens", .int(Int64(side * side + 1))), ("steps", .int(Int64(settings.steps))),
            ("pictures_seen", .int(Int64(pictures))),
            ("student_flops", .double(3 * vit.flops(at: settings.viewSide) * Double(pictures))),
            ("disk_bytes", .int(Int64(disk))),
        ]
        if let cost {
            let seconds = seconds(cost)
            fields += [
                ("training_seconds", .double(seconds.training)),
                ("teacher_seconds", seconds.teachers.map(JSONValue.double) ?? .null),
            ]
        }
        if let demand { fields.append(("memory_bytes", .int(Int64(demand.bytes)))) }
        fields.append(("teachers_unknown", .array(unknown.map(JSONValue.string))))
        return .object(fields)
    }

    /// For people.
    public var text: String {
        var lines = [
            ("recipe", run.recipe.name),
            ("student", "\(settings.student.parameterCount()) parameters at \(settings.viewSide) pixels"),
            ("teachers", run.teachers.map(\.name).joined(separator: ", ")),
            ("fusion", settings.fusion.rawValue), ("views", settings.views.rawValue),
            ("steps", "\(settings.steps) of \(settings.batchSize) pictures, \(heldPictures) at a time"),
        ]
        if let cost {
            let seconds = seconds(cost)
            lines += [
                (
                    "time here",
                    "\(PlanText.time(seconds.training + (seconds.teachers ?? 0))), measured on a step of \(min(heldPictures, DistillationCost.timedPictures)) pictures"
                ),
                (
                    "teachers' part",
                    seconds.teachers.map(PlanText.time)
                        ?? "\(ProgressReporter.fixed(cost.teacherSeconds)) s a picture and view, once"
                ),
            ]
            lines += demand.map { [("memory", PlanText.size($0.bytes))] } ?? []
        } else {
            lines.append(("time, memory", "unknown: give teachers[].backbone for \(unknown.joined(separator: ", "))"))
        }
        lines.append(("disk", PlanText.size(disk)))
        return PlanText.table(lines)
    }
}
