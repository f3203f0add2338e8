import Communication
import DenseData
import Reporting
import SafeFiles
import VisionBackbones

extension HeadTraining {
    /// What stands beside a training, the model's type aside.
    struct JobObserver {
        var onStep: (StepReport) throws -> Void
        var validate: (_ completedSteps: Int, _ history: inout TrainingHistory) throws -> Void
        var shouldStop: () -> Bool
        var journal: TrainingJournal?
        /// The ranks that share each batch.
        var group: any Communicator
    }

    /// One task's training with its types closed over.
    struct Job {
        var steps: Int
        var pictures: Int
        var classes: Int
        /// Content hash of the training data.
        var data: String
        var snapshots: SnapshotPlan
        var measurement: TrainingValidation.Measurement?
        var train: (JobObserver) throws -> TrainingHistory
        /// Writes the weights that the training is for, and those beside them.
        var save: (RunFolder, TrainingNotes) throws -> Void
    }

    func job(
        _ reader: RecipeReader, _ source: TaskData, _ backbone: VisionTransformer, _ session: CommandSession,
        _ notes: inout TrainingNotes
    ) throws -> Job {
        switch task {
        case .segment:
            let settings = try SegmentationSettings(reader, seed: session.seed)
            try reader.assertAllKeysRead()
            let dataset = try source.segmentation()
            let trainer = SegmentationTrainer(settings)
            let model = try trainer.model(on: backbone, for: dataset)
            notes.protocolEntries = settings.protocolEntries
            return try job(
                model, settings.tuning, dataset, source, &notes,
                measure: { try segmentationMeasurement($0, dataset.info, $1, session) },
                train: { try trainer.run(model, dataset: dataset, $0) })
        case .detect:
            let settings = try DetectionSettings(reader, seed: session.seed)
            try reader.assertAllKeysRead()
            let dataset = try source.detection()
            let trainer = DetectionTrainer(settings)
            let model = try trainer.model(on: backbone, for: dataset)
            notes.protocolEntries = settings.protocolEntries
            return try job(
                model, settings.tuning, dataset, source, &notes,
                measure: { try detectionMeasurement($0, dataset.info, $1, session) },
                train: { try trainer.run(model, dataset: dataset, $0) })
        case .classify:
            let settings = try ClassificationSettings(reader, seed: session.seed)
            try reader.assertAllKeysRead()
            let dataset = try source.classification()
            let trainer = ClassificationTrainer(settings)
            let model = try trainer.model(on: backbone, for: dataset)
            notes.protocolEntries = settings.protocolEntries
            return try job(
                model, settings.tuning, dataset, source, &notes,
                measure: { try classificationMeasurement($0, dataset.info, $1) },
                train: { try trainer.run(model, dataset: dataset, $0) })
        }
    }

    /// What the tasks have in common once their model and data are open.
    private func job<Model: HeadedModel>(
        _ model: Model, _ tuning: FineTuning, _ dataset: some DatasetLoader, _ source: TaskData,
        _ notes: inout TrainingNotes,
        measure: (Model, ValidationPlan) throws -> TrainingValidation.Measurement,
        train: @escaping (TrainingObserver<Model>) throws -> TrainingHistory
    ) throws -> Job {
        notes.seed = tuning.seed
        let hash = try dataset.contentHash()
        notes.trainingData = "\(source.name) \(source.split), \(dataset.count) images, \(hash)"
        let average = try tuning.averageDecay.map { _ in try model.unlearnedTwin() }
        return Job(
            steps: tuning.steps, pictures: dataset.count, classes: dataset.info.classes.count, data: hash,
            snapshots: tuning.snapshots, measurement: try tuning.validation.map { try measure(average ?? model, $0) },
            train: { beside in
                var observer = TrainingObserver<Model>(
                    onStep: beside.onStep, shouldStop: beside.shouldStop, journal: beside.journal)
                observer.validate = beside.validate
                observer.group = beside.group
                observer.average = average
                return try train(observer)
            },
            save: { run, notes in
                try (average ?? model).save(to: try run.file("checkpoint.safetensors"), metadata: notes.metadata)
                run.note("checkpoint.safetensors")
                guard average != nil else { return }
                var plain = notes
                plain.protocolEntries.removeAll { $0.0 == FineTuning.weightsEntry }
                try model.save(to: try run.file("last.safetensors"), metadata: plain.metadata)
                run.note("last.safetensors")
            })
    }
}
