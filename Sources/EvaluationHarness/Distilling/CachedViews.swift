import DenseData
import Determinism
import Geometry
import ImageFiles

extension DistillationSettings {
    /// The fixed views whose teacher tokens are computed once: each picture at the student's size, or its crops in a row.
    /// A picture itself is let go once its views are made.
    func cachedViews(of pictures: DistillationPictures) throws -> [Picture] {
        try ParallelMap.map(pictures.count) { try cachedViews(of: pictures[$0], at: $0) }.flatMap { $0 }
    }

    private func cachedViews(of picture: Picture, at place: Int) -> [Picture] {
        guard let (copies, framing) = crops else { return [PictureFit.square(picture, side: student.imageSize)] }
        // Mirror images are views of their own.
        let crop = RandomResizedCrop(size: framing.size, scale: framing.scale, mirrorProbability: 0)
        let size = ImageSize(height: picture.height, width: picture.width)
        return (place * copies..<(place + 1) * copies).map { index in
            var stream = RandomStream(seed: seed, purpose: "distillation crop", UInt64(index))
            return crop.framing(of: size, &stream).picture(picture, filter: .bilinearAntialiased)
        }
    }
}
