import Reporting

/// One task's evaluation with its types closed over: predict to a file or folder, then score what is there.
struct EvaluationJob {
    /// What scoring finds.
    struct Scores {
        var metrics: [MetricValue]
        var classTable: ClassTable?
        var warnings: [RunWarning]
        /// What the metrics were made from.
        var evidence: RunEvidence
    }

    /// What a probe did before it predicted.
    struct Learned {
        var selection: ProbeSelection
        /// The head in words, with the settings that were tried.
        var head: String
    }

    /// What the checkpoint says about itself.
    var notes: TrainingNotes
    /// The model in a few words: "vit 96x4/8, upernet".
    var model: String
    var summary: DatasetSummary
    /// Scored pictures in order.
    var imageNames: [String]
    /// Pictures that pass through the model.
    var workload: Int
    /// A file or folder of the run.
    var predictionName: String
    var protocolEntries: [(String, String)]
    /// On ranks that follow the target is empty: the leader writes what all predict. A probe keeps no batches: it goes on
    /// from features that are kept.
    var predict:
        (_ target: String, _ kept: KeptBatches?, _ onImage: (Int) -> Void, _ shouldStop: () -> Bool) throws -> Learned?
    /// What the networks cost; measured after scoring.
    var costs: () -> [NetworkCost]
    var score: (_ target: String, _ run: RunFolder) throws -> Scores
}
