import DenseData
import JSONText
import SafeFiles
import VisionBackbones

/// What a head's training would do and cost here: from the recipe and a few steps on blank pictures; needs no checkpoint,
/// and no data where that is not given.
public struct HeadTrainingPlan {
    private struct Data {
        var name: String
        var split: String
        var pictures: Int
    }
    private let recipe: Recipe
    private let task: HeadTask
    private let data: Data?
    /// Pictures of the training; nil where they are not known.
    private let pictureCount: Int?
    private let classCount: Int
    private let blank: BlankTraining

    /// Measures the cost, which takes a few steps' time.
    ///
    /// - Throws: what a recipe or data set that cannot be used throws; a plan writes no file.
    public init(_ training: HeadTraining, seed: UInt64) throws {
        let (recipe, reader) = try training.recipeOfItsTask()
        let split: String = try reader.value("split", default: "train")
        let backbone = try training.backbone(reader, seed: seed)
        let _: String? = try reader.optional("arm")
        self.recipe = recipe
        task = training.task
        if training.data == nil {
            data = nil
            pictureCount = nil
            classCount = task.usualClassCount
        } else {
            let source = try training.source(split)
            let (info, count) = try source.infoAndCount(training.task)
            data = Data(name: source.name, split: split, pictures: count)
            pictureCount = count
            classCount = info.classes.count
        }
        blank = try training.blank(reader, backbone, classCount: classCount, seed: seed, timedSeconds: 10)
    }

    /// Of a training that is about to begin: its recipe, data and backbone are open already. Times are those of the step
    /// that memory is measured on.
    ///
    /// - Parameter shape: of the backbone, which itself is left alone.
    init(
        _ training: HeadTraining, _ recipe: Recipe, _ reader: RecipeReader, shape: ViTConfiguration, seed: UInt64,
        classes: Int, pictures: Int
    ) throws {
        self.recipe = recipe
        task = training.task
        data = nil
        pictureCount = pictures
        classCount = classes
        blank = try training.blank(
            reader, VisionTransformer(shape, seed: seed), classCount: classes, seed: seed, timedSeconds: 0)
    }

    private var tuning: FineTuning { blank.tuning }
    /// Pictures of a step: a data set smaller than the recipe's batch is a batch.
    private var batch: Int { min(tuning.batchSize, pictureCount ?? tuning.batchSize) }
    private var pictures: Int { tuning.steps * batch }
    /// Pictures a step holds at a time.
    private var heldPictures: Int { batch / tuning.parts(of: batch) }
    private var epochs: Double? { data.map { Double(pictures) / Double(max(1, $0.pictures)) } }
    private var seconds: Double { blank.cost.seconds * Double(pictures) }

    /// Weights, their average, gradients and moments, one part of a batch, and the views of the batches to come.
    var demand: MemoryDemand {
        let ahead = 3 * batch * blank.side * blank.side * 3
        let average = tuning.averageDecay == nil ? 0 : 4 * blank.parameters
        return MemoryDemand(
            fixedBytes: blank.cost.fixedBytes + ahead + average, pictureBytes: blank.cost.pictureBytes, batch: batch,
            recipeBatch: tuning.batchSize, held: heldPictures, key: MemoryDemand.key(of: tuning.microBatch))
    }

    /// Checkpoints and the snapshots kept: values, their average, moments.
    private var disk: Int {
        let average = tuning.averageDecay == nil ? 0 : blank.parameters
        let best = tuning.validation == nil ? 0 : blank.parameters
        let moments = tuning.optimizer.momentCount * blank.trainedParameters
        return 4 * (blank.parameters + average + best + tuning.snapshots.keep * (blank.parameters + average + moments))
    }

    public var json: JSONValue {
        .object([
            ("schema_version", .int(1)), ("recipe", .string(recipe.name)), ("task", .string(task.rawValue)),
            (
                "data",
                data.map {
                    .object([
                        ("name", .string($0.name)), ("split", .string($0.split)), ("images", .int(Int64($0.pictures))),
                    ])
                } ?? .null
            ),
            ("classes", .int(Int64(classCount))), ("steps", .int(Int64(tuning.steps))),
            ("batch", .int(Int64(batch))), ("micro_batch", .int(Int64(heldPictures))),
            ("pictures_seen", .int(Int64(pictures))), ("epochs", epochs.map(JSONValue.double) ?? .null),
            ("parameters", .int(Int64(blank.parameters))),
            ("trained_parameters", .int(Int64(blank.trainedParameters))),
            ("protocol", .object(blank.protocolEntries.map { ($0.0, .string($0.1)) })),
            ("seconds", .double(seconds)), ("timed_pictures", .int(Int64(blank.cost.timedPictures))),
            ("memory_bytes", .int(Int64(demand.bytes))), ("disk_bytes", .int(Int64(disk))),
        ])
    }

    /// For people.
    public var text: String {
        var lines = [
            ("recipe", recipe.name),
            (
                "data",
                data.map { "\($0.name) \($0.split), \($0.pictures) pictures, \(classCount) classes" }
                    ?? "not given; \(classCount) classes are assumed"
            ),
            ("model", "\(blank.parameters) parameters, \(blank.trainedParameters) trained, at \(blank.side) pixels"),
            ("steps", "\(tuning.steps) of \(batch) pictures, \(heldPictures) at a time"),
        ]
        if let epochs { lines.append(("epochs", ProgressText.short(epochs))) }
        lines += blank.protocolEntries
        if let plan = tuning.validation {
            lines.append(
                (
                    "validation",
                    "every \(plan.every) steps on \(plan.split)"
                        + (plan.pictures.map { ", \($0) pictures" } ?? "") + "; its time is not counted"
                ))
        }
        lines += [
            ("time here", "\(PlanText.time(seconds)), measured on a step of \(blank.cost.timedPictures) pictures"),
            ("memory", PlanText.size(demand.bytes)), ("disk", PlanText.size(disk)),
        ]
        return PlanText.table(lines)
    }
}

extension HeadTask {
    /// Classes of the data set that papers use: ADE20K, COCO, ImageNet-1K.
    var usualClassCount: Int {
        switch self {
        case .segment: 150
        case .detect: 80
        case .classify: 1000
        }
    }
}

extension TaskData {
    func infoAndCount(_ task: HeadTask) throws -> (DatasetInfo, Int) {
        switch task {
        case .segment:
            let dataset = try segmentation()
            return (dataset.info, dataset.count)
        case .detect:
            let dataset = try detection()
            return (dataset.info, dataset.count)
        case .classify:
            let dataset = try classification()
            return (dataset.info, dataset.count)
        }
    }
}
