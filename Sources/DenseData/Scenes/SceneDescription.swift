import SafeFiles

/// The files that describe a drawn data set: objectInfo14.txt, dataset.yaml, INFO.json.
enum SceneDescription {
    static func write(
        _ options: SceneDataset.Options, _ splits: [(name: String, records: [SceneRecord])], to folder: String
    ) throws(DataError) {
        try AtomicFile.write(
            objectInfo(splits), to: "\(folder)/ADEChallengeData2016/objectInfo14.txt", durability: .renamed)
        try AtomicFile.write(descriptor(), to: "\(folder)/dataset.yaml", durability: .renamed)
        Folder.synchronizeDisks()
        try AtomicFile.write(info(options, splits), to: "\(folder)/INFO.json")
    }

    /// Idx, Ratio (share of labelled training pixels), Train and Val (pictures with the class), Name; tab-separated.
    private static func objectInfo(_ splits: [(name: String, records: [SceneRecord])]) -> String {
        var pixels = [Int](repeating: 0, count: SceneClasses.all.count + 1)
        for record in splits[0].records {
            for (label, count) in record.labelPixels.enumerated() { pixels[label] += count }
        }
        let labelled = max(pixels.dropFirst().reduce(0, +), 1)
        var lines = ["Idx\tRatio\tTrain\tVal\tName"]
        for (index, name) in SceneClasses.all.enumerated() {
            let label = index + 1
            let tenThousandths = (pixels[label] * 10_000 + labelled / 2) / labelled
            let ratio = "\(tenThousandths / 10_000).\(SceneFolders.padded(tenThousandths % 10_000, 4))"
            let seen = splits.map { split in split.records.count { $0.labelPixels[label] > 0 } }
            lines.append("\(label)\t\(ratio)\t\(seen[0])\t\(seen[1])\t\(name)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func descriptor() -> String {
        """
        # Drawn scenes. Paths are relative to this file's folder.
        detection:
          kind: coco
          root: coco
          splits:
            train: {images: train, annotations: annotations/instances_train.json}
            val: {images: val, annotations: annotations/instances_val.json}
        segmentation:
          kind: ade20k
          root: ADEChallengeData2016
          classes: objectInfo14.txt
          splits:
            train: {images: images/training, labels: annotations/training}
            val: {images: images/validation, labels: annotations/validation}
        classification:
          kind: class-folder
          root: classes
          splits:
            train: {images: train}
            val: {images: val}
        unlabelled:
          kind: pictures
          root: coco
          splits:
            train: {images: train}
            val: {images: val}

        """
    }

    private static func info(
        _ options: SceneDataset.Options, _ splits: [(name: String, records: [SceneRecord])]
    ) -> String {
        func names(_ list: [String]) -> String { list.map { "\"\($0)\"" }.joined(separator: ", ") }
        func table(_ rows: [(String, Int)]) -> String { rows.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") }
        let parts = splits.map { split in
            let things = split.records.flatMap(\.things)
            let regular = things.filter { !$0.isCrowd }
            let byClass = SceneClasses.things.indices.map { kind in
                (SceneClasses.things[kind], regular.count { $0.thing == kind })
            }
            let crops = SceneClasses.things.indices.map { kind in
                (SceneClasses.things[kind], split.records.reduce(0) { $0 + $1.crops[kind] })
            }
            return """
                    "\(split.name)": {
                      "images": \(split.records.count), "annotations": \(things.count),
                      "crowds": \(things.count - regular.count),
                      "small": \(regular.count { $0.area < 1024 }),
                      "medium": \(regular.count { $0.area >= 1024 && $0.area <= 9216 }),
                      "large": \(regular.count { $0.area > 9216 }),
                      "instances": {\(table(byClass))},
                      "crops": {\(table(crops))}
                    }
                """
        }
        return """
            {
              "schema_version": 1,
              "generator": "dmt data scenes", "generator_version": 1,
              "seed": \(options.seed), "size": \(options.size),
              "train": \(options.trainCount), "val": \(options.validationCount),
              "stuff": [\(names(SceneClasses.stuff))],
              "things": [\(names(SceneClasses.things))],
              "splits": {
            \(parts.joined(separator: ",\n"))
              }
            }

            """
    }
}
