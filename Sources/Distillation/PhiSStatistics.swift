import Autograd
import Communication
import NeuralLayers
import TensorCore

/// PHI-S: a rotation after which every channel has the same variance, and one scalar for all.
///
///     x' = (1 / √λ̄) · H · Uᵀ · (x − μ)       Σ = U Λ Uᵀ, λ̄ = mean eigenvalue, H a normalised Hadamard matrix
///
/// Channel c of `x'` has variance `Σ_j H_cj² λ_j / λ̄ = 1`, for `H_cj² = 1/C`. Unlike z-scores, distances between tokens
/// keep their proportions: the map is a rotation and one factor, so it can be undone.
///
/// Mean and covariance are those of all tokens of the first batches, each batch alike. The rotation is made anew after
/// batches 1, 2, 4, 8 and so on and after the last of them, then all stays as it is; every time, targets turn and the adapter
/// has to follow, so few batches are better than many, and several times C tokens are needed in all. One scalar for all
/// has no floor: a class token that hardly varies is blown up to unit variance as a whole.
///
/// Checkpoint names `mean (C)`, `covariance (C, C)`, `transform (C, C)`, `updates (1)`.
/// - Source: Ranzinger, Barker, Heinrich, Molchanov, Catanzaro, Tao 2024, arXiv:2410.01680; the equation is that of
///   `phi_s.py` in github.com/NVlabs/RADIO. Fitting while training, by mixtures, is this project's.
public final class PhiSStatistics: Layer {
    public let mean: Tensor
    /// Biased.
    public let covariance: Tensor
    /// `H Uᵀ / √λ̄`; 1 before the first batch.
    public let transform: Tensor
    private let updates: Tensor

    /// - Precondition: `HadamardMatrix.exists(order: channels)`.
    public init(channels: Int) {
        precondition(HadamardMatrix.exists(order: channels), "PHI-S: \(HadamardMatrix.Unsupported(order: channels))")
        mean = .zeros([channels])
        covariance = .zeros([channels, channels])
        transform = .zeros([channels, channels])
        updates = .zeros([1])
        for c in 0..<channels { transform.f32()[c * channels + c] = 1 }
    }

    public static var slots: [Slot<PhiSStatistics>] {
        [
            .buffer("mean", \.mean), .buffer("covariance", \.covariance), .buffer("transform", \.transform),
            .buffer("updates", \.updates),
        ]
    }

    /// The number of batches seen.
    public var updateCount: Int { Int(updates.floats()[0]) }

    /// Mixes a batch in with weight `m = 1 / (1 + batches seen)`, while fewer than `batches` were seen:
    ///
    ///     Σ' = (1 − m) Σ + m Σ_b + m (1 − m) (μ_b − μ)(μ_b − μ)ᵀ,   μ' = (1 − m) μ + m μ_b
    ///
    /// A batch whose moments are not finite is left out.
    ///
    /// - Parameters:
    ///   - tokens: `(…, C)`, f32 or f64.
    ///   - group: the ranks that share the batch, equally many tokens each.
    public func update(_ tokens: Tensor, batches: Int, group: any Communicator = SingleProcess()) {
        let (seen, columns) = (updateCount, mean.count)
        precondition(tokens.shape.last == columns, "PHI-S of \(columns) channels from \(tokens.shape)")
        let rows = tokens.count / columns
        if seen >= batches || rows == 0 { return }
        let x = Variable(tokens.reshaped([rows, columns]))
        let sums = Elementwise.columnSums(x.value, rows: rows, columns: columns)
        group.allReduceSum(sums)
        let batchMean = Elementwise.scaled(sums, 1 / Double(rows * group.size))
        let centred = x.addingRows(Variable(Elementwise.scaled(batchMean, -1))).value
        let products = Tensor(uninitialized: [columns, columns], tokens.dtype)
        Gemm.multiply(
            tokens.dtype, m: columns, n: columns, k: rows, MatrixView(centred, width: columns, transposed: true),
            MatrixView(centred, width: columns), into: products.raw)
        keepAlive(centred.storage)
        group.allReduceSum(products)
        guard batchMean.isFinite && products.isFinite else { return }
        let weight = 1 / Double(1 + seen)
        let gap = zip(batchMean.doubles(), mean.doubles()).map { $0 - $1 }
        let (fresh, old) = (products.doubles(), covariance.doubles())
        let share = weight / Double(rows * group.size)
        var mixed = [Float](repeating: 0, count: columns * columns)
        for i in 0..<columns {
            let spread: Double = weight * (1 - weight) * gap[i]
            for j in 0..<columns {
                let at = i * columns + j
                mixed[at] = Float((1 - weight) * old[at] + share * fresh[at] + spread * gap[j])
            }
        }
        covariance.assign(Tensor(mixed, [columns, columns]))
        mean.assign(Tensor(zip(mean.doubles(), gap).map { Float($0 + weight * $1) }, [columns]))
        updates.assign(Tensor([Float(seen + 1)], [1]))
        let isPowerOfTwo = (seen + 1) & seen == 0
        if isPowerOfTwo || seen + 1 == batches {
            transform.assign(Self.transform(ofCovariance: covariance.converted(to: .f64)).converted(to: .f32))
        }
    }

    /// `H Uᵀ / √λ̄` in Double. Eigenvalues ascend and the entry of largest size of each eigenvector is positive; those
    /// below 0 count as 0. Where nothing varies the divisor is 1e-6.
    static func transform(ofCovariance covariance: Tensor) -> Tensor {
        let n = covariance.shape[0]
        guard let hadamard = try? HadamardMatrix.normalized(order: n) else {
            preconditionFailure("PHI-S: \(HadamardMatrix.Unsupported(order: n))")
        }
        let parts = SymmetricEigendecomposition(covariance)
        let level = parts.values.reduce(0) { $0 + max($1, 0) } / Double(n)
        let product = Tensor(uninitialized: [n, n], .f64)
        Gemm.multiply(
            .f64, m: n, n: n, k: n, MatrixView(hadamard, width: n), MatrixView(parts.vectors, width: n),
            into: product.raw)
        keepAlive(hadamard.storage, parts.vectors.storage)
        return Elementwise.scaled(product, 1 / max(level.squareRoot(), 1e-6))
    }

    /// `x'` of tokens `(…, C)`, in their type.
    func transformed(_ tokens: Tensor) -> Tensor {
        let centre = Elementwise.scaled(mean.converted(to: tokens.dtype), -1)
        return Variable(tokens).addingRows(Variable(centre)).linear(Variable(transform.converted(to: tokens.dtype)))
            .value
    }

    /// The tokens that `standardized` ones come from: `x = λ̄ Wᵀ x' + μ` with `W` the transform, for `W Wᵀ = 1/λ̄`.
    public func restored(_ standardized: Tensor) -> Tensor {
        let (n, type) = (mean.count, standardized.dtype)
        let entries = transform.doubles()
        let inverseLevel = entries.reduce(0) { $0 + $1 * $1 } / Double(n)
        let back = Variable(Tensor(entries, [n, n])).permuted([1, 0]).scaled(by: 1 / inverseLevel).value
        return Variable(standardized).linear(
            Variable(back.converted(to: type)), Variable(mean.converted(to: type))
        ).value
    }
}
