import SafeFiles

/// Loss curves on disk: `curves.csv` with one row a point.
enum TrainingCurves {
    static func write(_ history: TrainingHistory, to folder: RunFolder, name: String = "curves.csv") throws(DataError) {
        var text = "term,step,value\n"
        for curve in history.curves {
            for point in curve.points { text += "\(curve.name),\(point.step),\(point.value)\n" }
        }
        try folder.write(text, to: name)
    }
}
