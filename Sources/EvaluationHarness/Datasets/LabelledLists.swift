import SafeFiles

/// The first training scenes of a drawn data set, by the names each layout gives them: what heads may learn labels from.
enum LabelledLists {
    /// The list of a task that learns from scenes.
    ///
    /// - Precondition: not `classify`, which learns from crops.
    static func file(_ task: HeadTask) -> String {
        switch task {
        case .segment: "labelled-ade20k.txt"
        case .detect: "labelled-coco.txt"
        case .classify: preconditionFailure("crops have no list")
        }
    }

    static let files = [file(.segment), file(.detect)]

    /// Writes the lists of the first `count` scenes of `data` into `folder`.
    static func write(of data: String, count: Int, to folder: String) throws {
        let segmentation = try TaskData(data, section: "segmentation", split: "train", listFile: nil).segmentation()
        let detection = try TaskData(data, section: "detection", split: "train", listFile: nil).detection()
        for (task, names) in [
            (HeadTask.segment, (0..<count).map(segmentation.name)), (.detect, (0..<count).map(detection.name)),
        ] {
            try AtomicFile.write(names.map { $0 + "\n" }.joined(), to: "\(folder)/\(file(task))")
        }
    }
}
