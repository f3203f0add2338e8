import Geometry
import Synchronization

/// An RGB picture, 8 bits a sample.
public struct Picture: Sendable, Equatable {
    public let height: Int
    public let width: Int
    /// `(H, W, 3)`, rows from the top, R G B interleaved.
    public var pixels: [UInt8]

    /// - Precondition: `pixels.count == height * width * 3`.
    public init(height: Int, width: Int, pixels: [UInt8]) {
        precondition(
            height > 0 && width > 0 && pixels.count == height * width * 3,
            "picture (\(height), \(width), 3): \(pixels.count) samples")
        self.height = height
        self.width = width
        self.pixels = pixels
    }

    /// A picture of one colour.
    public init(height: Int, width: Int, filledWith colour: (UInt8, UInt8, UInt8) = (0, 0, 0)) {
        var pixels = [UInt8](repeating: colour.0, count: height * width * 3)
        if colour.1 != colour.0 || colour.2 != colour.0 {
            for pixel in 0..<height * width {
                pixels[3 * pixel + 1] = colour.1
                pixels[3 * pixel + 2] = colour.2
            }
        }
        self.init(height: height, width: width, pixels: pixels)
    }
}

/// A picture of labels: the raw sample values of a grey or palette file.
public struct LabelImage: Sendable, Equatable {
    public let height: Int
    public let width: Int
    /// `(H, W)`, rows from the top.
    public var values: [UInt16]

    /// - Precondition: `values.count == height * width`.
    public init(height: Int, width: Int, values: [UInt16]) {
        precondition(
            height > 0 && width > 0 && values.count == height * width,
            "labels (\(height), \(width)): \(values.count) values")
        self.height = height
        self.width = width
        self.values = values
    }
}

/// What a decoder accepts.
public struct ImageLimits: Sendable, Equatable {
    /// The largest height x width; 178,956,970 is where Pillow refuses, too.
    public var maxPixels: Int
    /// The largest file in bytes.
    public var maxFileBytes: Int

    public init(maxPixels: Int = 178_956_970, maxFileBytes: Int = 1 << 30) {
        self.maxPixels = maxPixels
        self.maxFileBytes = maxFileBytes
    }

    /// What readers accept that are told nothing else.
    public static var standard: ImageLimits { ImageLimits(maxPixels: largest.load(ordering: .relaxed)) }

    private static let largest = Atomic(ImageLimits().maxPixels)

    /// Sets the pixel limit of `standard` from here on.
    public static func setMaxPixels(_ count: Int) {
        precondition(count > 0, "a limit of \(count) pixels")
        largest.store(count, ordering: .relaxed)
    }
}
