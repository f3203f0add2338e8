import DenseData
import Determinism
import Geometry
import ImageFiles

extension DistillationSettings {
    /// The fixed views whose teacher tokens are computed once: each picture at the student's size, or its crops in a row.
    func cachedViews(of pictures: [Picture]) throws -> [Picture] {
        guard let (copies, framing) = crops else {
            return pictures.map { PictureFit.square($0, side: student.imageSize) }
        }
        // Mirror images are views of their own.
        let crop = RandomResizedCrop(size: framing.size, scale: framing.scale, mirrorProbability: 0)
        return ParallelMap.map(pictures.count * copies) { index in
            let picture = pictures[index / copies]
            var stream = RandomStream(seed: seed, purpose: "distillation crop", UInt64(index))
            let size = ImageSize(height: picture.height, width: picture.width)
            return crop.framing(of: size, &stream).picture(picture, filter: .bilinearAntialiased)
        }
    }
}
