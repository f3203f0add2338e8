/// Builds `instances_*.json` of drawn scenes, record by record, always the same bytes for the same records.
///
/// Only whole numbers and names of our own are written, so nothing needs escaping.
struct SceneAnnotationsWriter {
    private var images: [UInt8] = []
    private var annotations: [UInt8] = []
    private var nextAnnotation = 1

    private(set) var imageCount = 0
    var annotationCount: Int { nextAnnotation - 1 }

    /// Adds one picture and its things; ids count from 1 in the order of the calls.
    mutating func add(fileName: String, size: Int, _ instances: [SceneRecord.Thing]) {
        imageCount += 1
        let comma = imageCount > 1 ? ",\n" : ""
        images += Array(
            "\(comma){\"id\":\(imageCount),\"file_name\":\"\(fileName)\",\"height\":\(size),\"width\":\(size)}".utf8)
        for thing in instances {
            let comma = nextAnnotation > 1 ? ",\n" : ""
            let box = thing.box
            let shape =
                thing.isCrowd
                ? "{\"counts\":[\(Self.list(thing.runs))],\"size\":[\(size),\(size)]}"
                : "[" + thing.polygons.map { "[\(Self.list($0))]" }.joined(separator: ",") + "]"
            annotations += Array(
                ("\(comma){\"id\":\(nextAnnotation),\"image_id\":\(imageCount),"
                    + "\"category_id\":\(SceneClasses.label(ofThing: thing.thing)),\"iscrowd\":\(thing.isCrowd ? 1 : 0),"
                    + "\"area\":\(thing.area),\"bbox\":[\(box.x),\(box.y),\(box.width),\(box.height)],"
                    + "\"segmentation\":\(shape)}").utf8)
            nextAnnotation += 1
        }
    }

    private static func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }

    /// The whole document.
    func document(split: String) -> [UInt8] {
        let categories = SceneClasses.things.indices.map {
            "{\"id\":\(SceneClasses.label(ofThing: $0)),\"name\":\"\(SceneClasses.things[$0])\",\"supercategory\":\"thing\"}"
        }
        var bytes = Array(
            "{\"info\":{\"description\":\"drawn scenes, \(split)\",\"version\":\"1\"},\n\"licenses\":[],\n".utf8)
        bytes += Array("\"categories\":[\(categories.joined(separator: ",\n"))],\n\"images\":[".utf8) + images
        return bytes + Array("],\n\"annotations\":[".utf8) + annotations + Array("]}\n".utf8)
    }
}
