import DenseData
import Reporting
import SafeFiles

/// How each task is measured while it is trained: as `dmt eval` does it, without standard errors.
extension HeadTraining {
    /// A source with as many pictures as asked for.
    func limited(_ source: TaskData, _ count: Int?) throws -> TaskData {
        switch task {
        case .segment: try source.limited(to: count) { try $0.segmentation() }
        case .detect: try source.limited(to: count) { try $0.detection() }
        case .classify: try source.limited(to: count) { try $0.classification() }
        }
    }

    private func source(_ plan: ValidationPlan) throws -> TaskData {
        var whole = self
        (whole.imageList, whole.limit) = (nil, plan.pictures)
        return try whole.source(plan.split)
    }

    private var evaluation: HeadEvaluation {
        var evaluation = HeadEvaluation(task: EvaluationTask(rawValue: task.rawValue)!, data: data ?? "")
        evaluation.bootstrapDraws = 0
        return evaluation
    }

    /// - Parameters:
    ///   - names: of the metrics that are logged; the first one decides.
    ///   - scores: predicts into a file or folder of the run, and scores it.
    private func measurement(
        of model: some HeadedModel, _ plan: ValidationPlan, _ source: TaskData, _ dataset: some DatasetLoader,
        _ training: DatasetInfo, names: [String], file: String,
        scores: @escaping (_ target: String, RunFolder) throws -> EvaluationJob.Scores,
        pictures: @escaping (_ target: String) throws -> [ValidationPictures.Named]
    ) throws -> TrainingValidation.Measurement {
        try ClassificationInference.check(
            training.classes, dataset.info, modelName: "\(training.name) \(training.split)")
        return TrainingValidation.Measurement(
            plan: plan, metric: names[0], data: "\(source.name) \(source.split), \(dataset.count) images",
            hash: try dataset.contentHash(),
            metrics: { run in
                let target = try run.file("validation/\(file)")
                let scores = try scores(target, run)
                run.note("validation/\(file)")
                return names.compactMap { name in scores.metrics.first { $0.name == name } }
            }, pictures: { try pictures(try $0.file("validation/\(file)")) },
            save: { try model.save(to: $0, metadata: $1) })
    }

    func segmentationMeasurement(
        _ model: SegmentationModel, _ training: DatasetInfo, _ plan: ValidationPlan, _ session: CommandSession
    ) throws -> TrainingValidation.Measurement {
        let source = try source(plan)
        let (dataset, evaluation) = (try source.segmentation(), evaluation)
        return try measurement(
            of: model, plan, source, dataset, training, names: ["mIoU", "mAcc", "aAcc"], file: "predictions"
        ) { target, _ in
            try SegmentationInference().predict(model, dataset: dataset, to: target)
            return try evaluation.segmentationScores(target, dataset, source, session)
        } pictures: {
            try ValidationPictures.segmentation(dataset, predictions: $0)
        }
    }

    func detectionMeasurement(
        _ model: DetectionModel, _ training: DatasetInfo, _ plan: ValidationPlan, _ session: CommandSession
    ) throws -> TrainingValidation.Measurement {
        let source = try source(plan)
        let (dataset, evaluation) = (try source.detection(), evaluation)
        try DetectionInference.check(model, dataset)
        return try measurement(
            of: model, plan, source, dataset, training, names: ["AP_box", "AP_mask"], file: "predictions.json"
        ) { target, run in
            try DetectionInference().predict(model, dataset: dataset, to: target)
            return try evaluation.detectionScores(
                target, dataset, source, in: run, truthName: "validation/truth.json", session)
        } pictures: {
            try ValidationPictures.detection(dataset, predictions: $0)
        }
    }

    func classificationMeasurement(
        _ model: ClassificationModel, _ training: DatasetInfo, _ plan: ValidationPlan
    ) throws -> TrainingValidation.Measurement {
        let source = try source(plan)
        let dataset = try source.classification()
        return try measurement(
            of: model, plan, source, dataset, training, names: ["top1"], file: "predictions.tsv"
        ) { target, _ in
            let rankings = try ClassificationInference().predict(model, dataset: dataset)
            try ClassPredictions.write(rankings, of: dataset, to: target)
            return try ClassPredictions.scores(target, dataset, metric: "top1")
        } pictures: {
            try ValidationPictures.classification(dataset, labels: try ClassPredictions.read($0, dataset).map(\.first))
        }
    }
}
