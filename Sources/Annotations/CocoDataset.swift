import Geometry

/// A picture of a COCO file.
public struct CocoImage: Sendable, Hashable {
    public var id: Int64
    /// Path below the picture folder, as the file gives it: not to be trusted. Empty where the file has none.
    public var fileName: String
    /// 0x0 where the file gives none and the reader was told to accept that.
    public var size: ImageSize
    /// What LVIS says about the picture's classes; nil in files of COCO.
    public var federation: Federation?

    /// Which classes of a picture are known.
    public struct Federation: Sendable, Hashable {
        /// Classes that the picture does not show.
        public var negativeCategoryIDs: [Int64]
        /// Classes that it shows, of which not every object is marked.
        public var notExhaustiveCategoryIDs: [Int64]

        public init(negativeCategoryIDs: [Int64], notExhaustiveCategoryIDs: [Int64]) {
            self.negativeCategoryIDs = negativeCategoryIDs
            self.notExhaustiveCategoryIDs = notExhaustiveCategoryIDs
        }
    }

    public init(id: Int64, fileName: String, size: ImageSize, federation: Federation? = nil) {
        self.id = id
        self.fileName = fileName
        self.size = size
        self.federation = federation
    }
}

/// A class of a COCO file. Ids are as in the file: they need not be consecutive.
public struct CocoCategory: Sendable, Hashable {
    public var id: Int64
    public var name: String
    public var supercategory: String?
    /// Names of the keypoints of a pose class.
    public var keypointNames: [String]
    /// LVIS's `r`, `c` or `f`: rare, common or frequent in its training set.
    public var frequency: String?

    public init(id: Int64, name: String, supercategory: String? = nil, keypointNames: [String] = []) {
        self.id = id
        self.name = name
        self.supercategory = supercategory
        self.keypointNames = keypointNames
    }
}

/// The outline or mask of an object.
public enum CocoSegmentation: Sendable, Hashable {
    /// Pairs x, y of each part; kept as read, so a part may be too short to draw.
    case polygons([[Double]])
    case rle(RLEMask)
}

/// One object of the truth.
public struct CocoAnnotation: Sendable, Hashable {
    public var id: Int64
    public var imageID: Int64
    public var categoryID: Int64
    public var box: CocoBox?
    /// Square pixels, as the file says (not recomputed).
    public var area: Double?
    public var isCrowd: Bool
    /// The file has no "iscrowd" here, which counts as 0.
    public var lacksCrowdFlag = false
    /// LVIS's `ignore`; COCO's tool does not read it.
    public var isIgnored = false
    public var segmentation: CocoSegmentation?
    /// x, y, visibility (0 absent, 1 hidden, 2 visible) of each point.
    public var keypoints: [Double]?
    public var keypointCount: Int?

    public init(
        id: Int64, imageID: Int64, categoryID: Int64, box: CocoBox?, area: Double?, isCrowd: Bool = false,
        segmentation: CocoSegmentation? = nil, keypoints: [Double]? = nil, keypointCount: Int? = nil
    ) {
        self.id = id
        self.imageID = imageID
        self.categoryID = categoryID
        self.box = box
        self.area = area
        self.isCrowd = isCrowd
        self.segmentation = segmentation
        self.keypoints = keypoints
        self.keypointCount = keypointCount
    }
}

/// The truth of a COCO file: instances or keypoints, in file order.
public struct CocoDataset: Sendable, Hashable {
    public var images: [CocoImage]
    public var categories: [CocoCategory]
    public var annotations: [CocoAnnotation]

    public init(images: [CocoImage], categories: [CocoCategory], annotations: [CocoAnnotation]) {
        self.images = images
        self.categories = categories
        self.annotations = annotations
    }
}

/// One prediction of a results file. Its id in COCO's sense is its position plus one.
public struct DetectionResult: Sendable, Hashable {
    public var imageID: Int64
    public var categoryID: Int64
    public var score: Double
    public var box: CocoBox?
    public var segmentation: CocoSegmentation?
    /// x, y and a third number (ignored by the evaluation) of each point.
    public var keypoints: [Double]?

    public init(
        imageID: Int64, categoryID: Int64, score: Double, box: CocoBox? = nil, segmentation: CocoSegmentation? = nil,
        keypoints: [Double]? = nil
    ) {
        self.imageID = imageID
        self.categoryID = categoryID
        self.score = score
        self.box = box
        self.segmentation = segmentation
        self.keypoints = keypoints
    }
}

/// Which parts of a record are wanted; the rest is checked as JSON and skipped.
public struct CocoFields: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let segmentation = CocoFields(rawValue: 1)
    public static let keypoints = CocoFields(rawValue: 2)
    public static let names = CocoFields(rawValue: 4)
    public static let all: CocoFields = [.segmentation, .keypoints, .names]
}

/// Rules a truth file must keep beyond its grammar.
public struct CocoChecks: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Every annotation names an image and a category of the file.
    public static let references = CocoChecks(rawValue: 1)
    /// Ids of images, categories and annotations are unique.
    public static let uniqueIDs = CocoChecks(rawValue: 2)
    /// Every image has a positive height and width.
    public static let imageSizes = CocoChecks(rawValue: 4)
    public static let strict: CocoChecks = [.references, .uniqueIDs, .imageSizes]
}
