import Determinism
import Geometry
import ImageFiles
import Testing

@testable import DenseData

enum Drawn {
    static func picture(_ height: Int, _ width: Int, seed: UInt64) -> Picture {
        var stream = RandomStream(seed: seed, purpose: "test picture")
        return Picture(
            height: height, width: width, pixels: (0..<height * width * 3).map { _ in UInt8(stream.int(below: 256)) })
    }

    /// Blocky labels, so that crops hold few classes.
    static func labels(_ height: Int, _ width: Int, classes: Int, seed: UInt64) -> LabelImage {
        var stream = RandomStream(seed: seed, purpose: "test labels")
        let blocks = (0..<64).map { _ in UInt16(stream.int(below: classes)) }
        return LabelImage(
            height: height, width: width,
            values: (0..<height * width).map { blocks[($0 / width * 8 / height) * 8 + $0 % width * 8 / width] })
    }
}

@Suite struct ResizeTests {
    /// The definition, in Double, without intermediate rounding.
    static func naive(_ source: Picture, _ height: Int, _ width: Int, _ filter: Resize.Filter) -> [Double] {
        func taps(_ from: Int, _ to: Int, _ position: Int) -> [(Int, Double)] {
            let scale = Double(from) / Double(to)
            let spread = filter == .bilinear ? 1 : max(1, scale)
            let centre = (Double(position) + 0.5) * scale
            let all = (0..<from).map { ($0, filter.weight((Double($0) + 0.5 - centre) / spread)) }.filter { $0.1 != 0 }
            let sum = all.reduce(0) { $0 + $1.1 }
            return all.map { ($0.0, $0.1 / sum) }
        }
        var result: [Double] = []
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<3 {
                    var value = 0.0
                    for (row, a) in taps(source.height, height, y) {
                        for (column, b) in taps(source.width, width, x) {
                            value += a * b * Double(source.pixels[(row * source.width + column) * 3 + channel])
                        }
                    }
                    result.append(min(max(value, 0), 255))
                }
            }
        }
        return result
    }

    @Test(arguments: Resize.Filter.allCases) func agreesWithTheDefinition(filter: Resize.Filter) {
        let source = Drawn.picture(13, 9, seed: 1)
        for (height, width) in [(13, 9), (26, 18), (5, 4), (7, 20), (1, 1), (30, 3)] {
            let fast = Resize.picture(source, to: (height, width), filter)
            let exact = Self.naive(source, height, width, filter)
            let worst = zip(fast.pixels, exact).map { abs(Double($0) - $1) }.max()!
            // Half a level of rounding in each pass. A cubic's overshoot is clipped between the passes and here only at
            // the end, which moves single samples of this noise picture further; its exact bytes are pinned against Pillow.
            let mean = zip(fast.pixels, exact).map { abs(Double($0) - $1) }.reduce(0, +) / Double(exact.count)
            #expect(worst <= (filter == .bicubicAntialiased ? 30 : 1.01), "\(height)x\(width): \(worst)")
            #expect(mean < 1.5, "\(height)x\(width): \(mean)")
        }
    }

    @Test(arguments: Resize.Filter.allCases) func oneColourStays(filter: Resize.Filter) {
        let source = Picture(height: 7, width: 11, filledWith: (1, 128, 255))
        #expect(Resize.picture(source, to: (3, 29), filter) == Picture(height: 3, width: 29, filledWith: (1, 128, 255)))
    }

    @Test func knownValuesOnARamp() {
        var ramp = Picture(height: 1, width: 8)
        for n in ramp.pixels.indices { ramp.pixels[n] = UInt8(n / 3 * 16) }
        let half = Resize.picture(ramp, to: (1, 4), .bilinearAntialiased)
        // Weights 1/8 3/8 3/8 1/8 inside, 3/7 3/7 1/7 at the border: (0 + 48 + 32) / 7 = 11.43.
        #expect(stride(from: 0, to: 12, by: 3).map { half.pixels[$0] } == [11, 40, 72, 101])
        let plain = Resize.picture(ramp, to: (1, 4), .bilinear)
        #expect(stride(from: 0, to: 12, by: 3).map { plain.pixels[$0] } == [8, 40, 72, 104])
    }

    @Test func labelsAreNeverMixed() {
        let labels = Drawn.labels(17, 23, classes: 200, seed: 2)
        let known = Set(labels.values)
        for size in [(5, 7), (40, 60), (17, 5)] {
            let resized = Resize.labels(labels, to: size)
            #expect(Set(resized.values).isSubset(of: known))
            for y in 0..<size.0 {
                let row = Int((Double(y) + 0.5) * 17 / Double(size.0))
                #expect(resized.values[y * size.1] == labels.values[row * 23 + Resize.nearest(from: 23, to: size.1)[0]])
            }
        }
    }
}

@Suite struct FramingTests {
    static func random(_ size: ImageSize, _ stream: inout RandomStream) -> Framing {
        switch stream.int(below: 4) {
        case 0: return LargeScaleJitter(size: 20 + stream.int(below: 40)).framing(of: size, &stream)
        case 1: return RandomResizedCrop(size: 16 + stream.int(below: 20)).framing(of: size, &stream)
        case 2:
            return Framing(of: size, fittedInto: ImageSize(height: 33, width: 50), divisor: 8).mirrored(
                stream.chance(0.5))
        default: return Framing(of: size, shortSide: 32, centreCrop: 28)
        }
    }

    /// A mask's pixel is set exactly where its centre lies in the moved box.
    @Test func boxesMoveWithMasks() {
        var stream = RandomStream(seed: 5, purpose: "framing")
        let size = ImageSize(height: 37, width: 53)
        for round in 0..<200 {
            let framing = Self.random(size, &stream)
            let (x0, y0) = (stream.int(below: 45), stream.int(below: 30))
            let box = Box(
                x0: Double(x0), y0: Double(y0), x1: Double(x0 + 1 + stream.int(below: 53 - x0)),
                y1: Double(y0 + 1 + stream.int(below: 37 - y0)))
            var mask = BinaryMask(size: size, pixels: [UInt8](repeating: 0, count: size.pixelCount))
            for y in y0..<Int(box.y1) { for x in x0..<Int(box.x1) { mask.pixels[y * 53 + x] = 1 } }
            let moved = framing.mask(mask)
            let target = framing.box(box)
            var (wrong, inside) = (0, 0)
            for y in 0..<framing.output.height {
                for x in 0..<framing.output.width {
                    let (cx, cy) = (Double(x) + 0.5, Double(y) + 0.5)
                    let near =
                        target.map {
                            abs(cx - $0.x0) < 1e-9 || abs(cx - $0.x1) < 1e-9
                                || abs(cy - $0.y0) < 1e-9 || abs(cy - $0.y1) < 1e-9
                        } ?? false
                    let expected = target.map { cx > $0.x0 && cx < $0.x1 && cy > $0.y0 && cy < $0.y1 } ?? false
                    inside += expected ? 1 : 0
                    if !near && moved[y, x] != expected { wrong += 1 }
                }
            }
            #expect(wrong == 0, "round \(round): \(framing), \(box)")
            if let target, target.width > 2, target.height > 2 { #expect(inside > 0) }
        }
    }

    @Test func polygonsMoveWithBoxesAndBack() throws {
        var stream = RandomStream(seed: 6, purpose: "framing")
        let size = ImageSize(height: 40, width: 30)
        for _ in 0..<50 {
            let framing = Self.random(size, &stream)
            let box = Box(x0: 3, y0: 4, x1: 20, y1: 31)
            let corners = framing.polygon(Polygon([3, 4, 20, 4, 20, 31, 3, 31])).coordinates
            let back = framing.sourceBox(
                Box(
                    x0: min(corners[0], corners[2]), y0: corners[1], x1: max(corners[0], corners[2]), y1: corners[5]))
            for (a, b) in [(back.x0, box.x0), (back.y0, box.y0), (back.x1, box.x1), (back.y1, box.y1)] {
                #expect(abs(a - b) < 1e-9)
            }
        }
    }

    /// Without scaling, pictures and labels must land on the same pixels.
    @Test func picturesAndLabelsMoveAlike() {
        var stream = RandomStream(seed: 7, purpose: "framing")
        let labels = Drawn.labels(30, 41, classes: 250, seed: 3)
        var picture = Picture(height: 30, width: 41)
        for n in labels.values.indices { picture.pixels[3 * n] = UInt8(labels.values[n]) }
        for _ in 0..<30 {
            let crop = Window(
                top: stream.int(below: 10), left: stream.int(below: 10), height: 1 + stream.int(below: 20),
                width: 1 + stream.int(below: 30))
            let framing = Framing(
                source: Window(height: 30, width: 41), resized: ImageSize(height: 30, width: 41), crop: crop,
                isMirrored: stream.chance(0.5), output: ImageSize(height: 32, width: 48))
            let moved = framing.picture(picture, filter: .bilinear, fill: (77, 0, 0))
            let movedLabels = framing.labels(labels, fill: 77)
            #expect(movedLabels.values.indices.allSatisfy { UInt16(moved.pixels[3 * $0]) == movedLabels.values[$0] })
            #expect(movedLabels.values.count { $0 == 77 } >= 32 * 48 - crop.height * crop.width)
        }
    }

    @Test func scaleJitterAvoidsOneClassCrops() {
        let size = 64
        // Three quarters of the picture are one class: most crops there would hold nothing else.
        var labels = LabelImage(height: size, width: size, values: [UInt16](repeating: 0, count: size * size))
        for n in labels.values.indices where n % size >= 48 { labels.values[n] = 1 + UInt16(n / size / 32) }
        func share(_ limit: Double) -> Int {
            let jitter = ScaleJitterCrop(
                shortSide: 64, factor: 1...1, crop: ImageSize(height: 24, width: 24), maxClassShare: limit)
            return (0..<200).count { n in
                var stream = RandomStream(seed: UInt64(n), purpose: "crop")
                let framing = jitter.framing(of: labels, ignoreLabel: 255, &stream)
                return Set(framing.labels(labels, fill: 255).values).count > 1
            }
        }
        #expect(share(1) < 140)
        #expect(share(0.75) > 180)
    }

    @Test func scaleJitterPadsSmallPictures() {
        let labels = Drawn.labels(20, 30, classes: 5, seed: 4)
        let jitter = ScaleJitterCrop(shortSide: 20, factor: 0.5...0.5, crop: ImageSize(height: 40, width: 40))
        var stream = RandomStream(seed: 1, purpose: "crop")
        let framing = jitter.framing(of: labels, ignoreLabel: 255, &stream)
        #expect(framing.resized == ImageSize(height: 10, width: 15))
        #expect(framing.labels(labels, fill: 255).values.count { $0 == 255 } == 1600 - 150)
    }

    @Test func randomResizedCropsCoverTheirRange() {
        let size = ImageSize(height: 100, width: 160)
        var areas: [Double] = []
        for n in 0..<300 {
            var stream = RandomStream(seed: UInt64(n), purpose: "crop")
            let framing = RandomResizedCrop(size: 32, scale: 0.2...0.6).framing(of: size, &stream)
            let share = Double(framing.source.height * framing.source.width) / 16000
            #expect(share > 0.18 && share < 0.63)
            let aspect = Double(framing.source.width) / Double(framing.source.height)
            #expect(aspect > 0.72 && aspect < 1.39)
            areas.append(share)
        }
        #expect(areas.min()! < 0.23 && areas.max()! > 0.55)
        var stream = RandomStream(seed: 1, purpose: "crop")
        let thin = RandomResizedCrop(size: 32, scale: 1...1).framing(of: ImageSize(height: 10, width: 100), &stream)
        #expect(thin.source == Window(top: 0, left: 43, height: 10, width: 13))
    }
}

@Suite struct ColourTests {
    @Test func neutralSettingsChangeNothing() {
        let picture = Drawn.picture(9, 14, seed: 8)
        for change: (inout Picture) -> Void in [
            { ColourTransform.brightness(&$0, factor: 1) }, { ColourTransform.contrast(&$0, factor: 1) },
            { ColourTransform.saturation(&$0, factor: 1) }, { ColourTransform.hue(&$0, turns: 1) },
            { ColourTransform.hue(&$0, turns: 0) },
            {
                ColourTransform.solarize(&$0, threshold: 128)
                ColourTransform.solarize(&$0, threshold: 0)
                for n in $0.pixels.indices where picture.pixels[n] < 128 { $0.pixels[n] = 255 - $0.pixels[n] }
            },
        ] {
            var changed = picture
            change(&changed)
            let worst = zip(changed.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max()!
            #expect(worst <= 1)
        }
    }

    @Test func knownColours() {
        var red = Picture(height: 1, width: 1, filledWith: (200, 0, 0))
        ColourTransform.hue(&red, turns: 1.0 / 3)
        #expect(red.pixels == [0, 200, 0])
        ColourTransform.greyscale(&red)
        #expect(red.pixels == [117, 117, 117])
        ColourTransform.brightness(&red, factor: 3)
        #expect(red.pixels == [255, 255, 255])
        var two = Picture(height: 1, width: 2, pixels: [0, 0, 0, 200, 200, 200])
        ColourTransform.contrast(&two, factor: 0.5)
        #expect(two.pixels == [50, 50, 50, 150, 150, 150])
        #expect(ColourTransform.hsv(0, 0, 255).hue == 4.0 / 6)
    }

    @Test func blurKeepsTheMeanAndSpreadsAPoint() {
        var point = Picture(height: 21, width: 21)
        point.pixels[(10 * 21 + 10) * 3] = 255
        ColourTransform.blur(&point, sigma: 1.5)
        let red = stride(from: 0, to: point.pixels.count, by: 3).map { Int(point.pixels[$0]) }
        // 255 / (2 pi 1.5^2) = 18.04 in the middle.
        #expect(red[10 * 21 + 10] == 18)
        #expect(abs(red.reduce(0, +) - 255) < 30)
        #expect(red[9 * 21 + 10] == red[10 * 21 + 9] && red[10 * 21 + 9] == red[10 * 21 + 11])
        var flat = Picture(height: 5, width: 6, filledWith: (9, 99, 199))
        ColourTransform.blur(&flat, sigma: 2)
        #expect(flat == Picture(height: 5, width: 6, filledWith: (9, 99, 199)))
    }

    @Test func randomChangesFollowTheStream() {
        let picture = Drawn.picture(8, 8, seed: 9)
        func changed(_ seed: UInt64) -> [Picture] {
            var stream = RandomStream(seed: seed, purpose: "colour")
            var (a, b) = (picture, picture)
            ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1).apply(to: &a, &stream)
            PhotometricDistortion().apply(to: &b, &stream)
            return [a, b]
        }
        #expect(changed(1) == changed(1))
        #expect(changed(1)[0] != changed(2)[0])
        #expect((0..<20).contains { changed($0)[1] != picture })
    }

    @Test func normalisationIsTheFormulaAndReversible() {
        let picture = Drawn.picture(6, 5, seed: 10)
        let batch = Normalisation.imageNet.batch([picture, picture])
        #expect(batch.shape == [2, 6, 5, 3])
        let values = batch.floats()
        let expected = (Float(picture.pixels[4]) / 255 - 0.456) / 0.224
        #expect(values[4] == expected && values[90 + 4] == expected)
        #expect(Normalisation.imageNet.picture(height: 6, width: 5, from: batch.f32()) == picture)
        let padded = Normalisation.imageNet.batch([picture], contents: [(4, 3)]).floats()
        #expect(padded[(3 * 5 + 2) * 3] == values[(3 * 5 + 2) * 3])
        #expect(padded[(3 * 5 + 3) * 3] == 0 && padded[4 * 5 * 3] == 0)
    }
}

@Suite struct EpochPlanTests {
    @Test func everySampleOnceAnEpoch() {
        let plan = EpochPlan(sampleCount: 23, batchSize: 5, seed: 3)
        #expect(plan.batches(epoch: 0).map(\.count) == [5, 5, 5, 5, 3])
        for epoch in 0..<3 { #expect(plan.batches(epoch: epoch).flatMap { $0 }.sorted() == Array(0..<23)) }
        #expect(plan.batches(epoch: 0) != plan.batches(epoch: 1))
        #expect(plan.batches(epoch: 1) == EpochPlan(sampleCount: 23, batchSize: 5, seed: 3).batches(epoch: 1))
        #expect(plan.batches(epoch: 1) != EpochPlan(sampleCount: 23, batchSize: 5, seed: 4).batches(epoch: 1))
        #expect(plan.batch(step: 7).epoch == 1)
        #expect(plan.batch(step: 7).indices == plan.batches(epoch: 1)[2])
        #expect(EpochPlan(sampleCount: 23, batchSize: 5, seed: 3, dropsLast: true).batches(epoch: 0).count == 4)
    }
}
