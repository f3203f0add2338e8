import DenseData
import Determinism
import Geometry
import ImageFiles

/// How the pictures that a probe learns from are seen: as test pictures are, or in seeded random crops.
///
/// Features are computed once, so views are drawn once and not in every epoch.
struct ProbeViews: Equatable {
    /// Pixels of the square that the backbone sees, a multiple of its patch.
    var side: Int
    /// Random crops a picture; 0 shows it once, as a test picture.
    var drawn = 0
    /// The crop's share of the picture's area, and the chance that it is mirrored.
    var area = 0.5...1.0
    var mirror = 0.0
    var seed: UInt64 = 0

    /// Inputs that a picture becomes.
    var perPicture: Int { max(drawn, 1) }

    /// Input `index` of `count` pictures: all pictures in their first view, then all in their second.
    func framing(of size: ImageSize, input: Int, test: Framing) -> Framing {
        guard drawn > 0 else { return test }
        var stream = RandomStream(seed: seed, purpose: "probe view", UInt64(input))
        return RandomResizedCrop(size: side, scale: area, mirrorProbability: mirror).framing(of: size, &stream)
    }

    var words: String {
        drawn == 0
            ? "each picture once, as for the test"
            : "\(drawn) random crops a picture, area \(area.lowerBound)-\(area.upperBound)"
                + (mirror > 0 ? ", mirrored \(mirror)" : "")
    }
}
