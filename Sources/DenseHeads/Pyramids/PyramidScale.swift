/// How a pyramid level is made from a map of one patch a pixel.
enum PyramidScale: Hashable {
    case quadruple, double, same, half, quarter

    /// - Returns: `nil` where the strides are not 4, 2, 1, 1/2 or 1/4 apart.
    init?(from patchStride: Int, to stride: Int) {
        switch (patchStride, stride) {
        case let (p, s) where p == 4 * s: self = .quadruple
        case let (p, s) where p == 2 * s: self = .double
        case let (p, s) where p == s: self = .same
        case let (p, s) where 2 * p == s: self = .half
        case let (p, s) where 4 * p == s: self = .quarter
        default: return nil
        }
    }

    /// The window of the max-pool that shrinks the map; `nil` where it does not shrink.
    var pooling: Int? {
        switch self {
        case .half: 2
        case .quarter: 4
        case .quadruple, .double, .same: nil
        }
    }

    static func scales(head: String, from patchStride: Int, to strides: [Int]) throws(HeadConfigurationError) -> [Self]
    {
        var scales: [Self] = []
        for stride in strides {
            guard let scale = Self(from: patchStride, to: stride), !scales.contains(scale) else {
                throw HeadConfigurationError(
                    head: head, expected: "strides 4, 2, 1, 1/2 or 1/4 times finer than the patches, each once",
                    found: "stride \(stride) of \(strides) for patches of \(patchStride)",
                    remedy: "choose a patch size of 8 or 16, or other strides")
            }
            scales.append(scale)
        }
        return scales
    }
}
