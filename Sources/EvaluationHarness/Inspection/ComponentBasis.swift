import CheckpointIO
import SafeFiles
import TensorCore

/// Principal components of patch tokens, fitted on one set of pictures, to be used on others; on disk a safetensors file.
struct ComponentBasis {
    /// Which side of the first component is foreground. The sign rule fixes the sides, not what they show: look at the
    /// picture once.
    enum Foreground: String, CaseIterable {
        /// Coordinates above the mean of the fitted patches.
        case high
        /// Coordinates below it.
        case low

        func contains(_ first: Double) -> Bool { self == .high ? first > 0 : first < 0 }
    }

    /// Of all patches.
    var all: PrincipalComponents
    /// Of the foreground's patches alone, and which side that is.
    var foreground: (side: Foreground, components: PrincipalComponents)?

    /// - Parameters:
    ///   - patches: one array a picture, `(T, D)` each.
    ///   - width: `D`.
    /// - Throws: `.configuration` where fewer than two patches are there to fit.
    init(_ patches: [[Float]], width: Int, foreground side: Foreground?, file: String) throws(DataError) {
        func refuse(_ what: String) -> DataError {
            DataError(
                .configuration, file: file, expected: "at least two patches \(what)", found: "fewer",
                remedy: "fit on more pictures, or on larger ones")
        }
        guard let all = PrincipalComponents(patches, width: width) else { throw refuse("to fit") }
        self.all = all
        guard let side else { return }
        let isCounted = patches.map { part in
            let coordinates = all.coordinates(part)
            return stride(from: 0, to: coordinates.count, by: PrincipalComponents.count).map {
                side.contains(coordinates[$0])
            }
        }
        guard let inner = PrincipalComponents(patches, width: width, where: { isCounted[$0][$1] }) else {
            throw refuse("of foreground")
        }
        foreground = (side, inner)
    }

    // MARK: Files

    func write(_ metadata: [String: String], to path: String) throws(DataError) {
        var tensors = Self.tensors(all, "")
        var metadata = metadata
        if let foreground {
            tensors.merge(Self.tensors(foreground.components, "foreground.")) { $1 }
            metadata["dmt.foreground"] = foreground.side.rawValue
        }
        try Safetensors.write(tensors, metadata: metadata, to: path)
    }

    private static func tensors(_ components: PrincipalComponents, _ prefix: String) -> [String: Tensor] {
        [
            prefix + "mean": Tensor(components.mean, [components.mean.count]),
            prefix + "vectors": Tensor(
                components.vectors.flatMap(\.self), [components.vectors.count, components.mean.count]),
            prefix + "variances": Tensor(components.variances, [components.variances.count]),
            prefix + "ranges": Tensor(
                components.ranges.flatMap { [$0.lowerBound, $0.upperBound] }, [components.ranges.count, 2]),
        ]
    }

    /// - Parameter width: of the tokens that it shall be used on.
    /// - Returns: the basis, and what its file says about itself.
    /// - Throws: `DataError` for a file that is no basis, or one of tokens of another width.
    static func load(_ path: String, width: Int) throws(DataError) -> (ComponentBasis, metadata: [String: String]) {
        let contents = try Safetensors.load(path)
        let all = try components(contents.tensors, "", width, path)
        var basis = ComponentBasis(all: all)
        if let side = contents.metadata["dmt.foreground"] {
            guard let side = Foreground(rawValue: side) else {
                throw malformed(path, "dmt.foreground", "high or low", side)
            }
            basis.foreground = (side, try components(contents.tensors, "foreground.", width, path))
        }
        return (basis, contents.metadata)
    }

    private init(all: PrincipalComponents) { self.all = all }

    private static func components(
        _ tensors: [String: Tensor], _ prefix: String, _ width: Int, _ path: String
    ) throws(DataError) -> PrincipalComponents {
        let count = PrincipalComponents.count
        func values(_ name: String, _ shape: [Int]) throws(DataError) -> [Double] {
            guard let tensor = tensors[prefix + name] else {
                throw malformed(path, prefix + name, "a tensor of shape \(shape)", "none")
            }
            guard tensor.shape == shape, tensor.dtype == .f64, tensor.isFinite else {
                throw malformed(
                    path, prefix + name, "finite f64 numbers of shape \(shape)", "\(tensor.dtype) of \(tensor.shape)")
            }
            return tensor.doubles()
        }
        let (mean, vectors) = (try values("mean", [width]), try values("vectors", [count, width]))
        let (variances, ends) = (try values("variances", [count]), try values("ranges", [count, 2]))
        guard (0..<count).allSatisfy({ ends[2 * $0] <= ends[2 * $0 + 1] }) else {
            throw malformed(path, prefix + "ranges", "ascending pairs", "others")
        }
        return PrincipalComponents(
            mean: mean, vectors: (0..<count).map { Array(vectors[$0 * width..<($0 + 1) * width]) },
            variances: variances, ranges: (0..<count).map { ends[2 * $0]...ends[2 * $0 + 1] })
    }

    private static func malformed(_ path: String, _ record: String, _ expected: String, _ found: String) -> DataError {
        DataError(
            .malformed, file: path, record: record, expected: expected, found: found,
            remedy: "give a basis.safetensors that dmt inspect pca wrote for a network of this width")
    }
}
