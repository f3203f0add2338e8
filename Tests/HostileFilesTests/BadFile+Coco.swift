extension BadFile {
    static let image = "{\"id\":1,\"file_name\":\"a.jpg\",\"height\":20,\"width\":30}"
    static let category = "{\"id\":1,\"name\":\"cat\"}"
    static let annotation =
        "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"area\":12,\"iscrowd\":0,\"segmentation\":[[1,2,9,2,9,8]]}"
    static let result = "{\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,3,4],\"score\":0.5}"

    /// A truth file of given lists.
    static func truth(
        images: String = "[\(image)]", categories: String = "[\(category)]", annotations: String = "[\(annotation)]"
    ) -> String {
        "{\"images\":\(images),\"categories\":\(categories),\"annotations\":\(annotations)}"
    }

    /// COCO truth files.
    static func truths() -> [BadFile] {
        func with(_ old: String, _ new: String) -> String {
            truth(annotations: "[\(annotation.replacing(old, with: new))]")
        }
        let whole = truth()
        return texts(
            [
                "list": "[\(annotation)]", "number": "7", "text": "\"truth\"", "nothing": "", "blanks": " \n\t",
                "two-values": whole + whole, "tail": whole + "x", "no-images": "{\"categories\":[],\"annotations\":[]}",
                "images-object": truth(images: "{}"), "annotations-text": truth(annotations: "\"none\""),
                "annotation-number": truth(annotations: "[1]"), "nan": with("12", "NaN"),
                "infinity": with("12", "Infinity"), "minus-infinity": with("[1,2,3,4]", "[1,2,3,-Infinity]"),
                "too-large": with("12", "1e999"), "zero-first": with("12", "012"), "plus": with("12", "+12"),
                "hex": with("12", "0x12"), "comment": whole.replacing("[", with: "[/**/"),
                "trailing-comma": truth(annotations: "[\(annotation),]"),
                "single-quotes": whole.replacing("\"", with: "'"),
                "same-key-twice": with("\"area\":12", "\"area\":12,\"area\":13"),
                "id-text": with("\"id\":1", "\"id\":\"1\""),
                "id-fraction": with("\"id\":1", "\"id\":1.5"),
                "id-large": with("\"id\":1", "\"id\":99999999999999999999"),
                "id-null": with("\"id\":1", "\"id\":null"), "no-id": with("\"id\":1,", ""),
                "no-image-id": with("\"image_id\":1,", ""), "no-category-id": with("\"category_id\":1,", ""),
                "unknown-image": with("\"image_id\":1", "\"image_id\":2"),
                "unknown-category": with("\"category_id\":1", "\"category_id\":2"),
                "annotation-twice": truth(annotations: "[\(annotation),\(annotation)]"),
                "image-twice": truth(images: "[\(image),\(image)]"),
                "category-twice": truth(categories: "[\(category),\(category)]"),
                "image-no-id": truth(images: "[{\"height\":2,\"width\":2}]"),
                "image-no-size": truth(images: "[{\"id\":1,\"file_name\":\"a.jpg\"}]"),
                "image-size-zero": truth(images: "[\(image.replacing("20", with: "0"))]"),
                "image-size-negative": truth(images: "[\(image.replacing("20", with: "-20"))]"),
                "image-size-huge": truth(images: "[\(image.replacing("20", with: "4294967296"))]"),
                "image-size-text": truth(images: "[\(image.replacing("20", with: "\"20\""))]"),
                "name-number": truth(images: "[\(image.replacing("\"a.jpg\"", with: "3"))]"),
                "box-three": with("[1,2,3,4]", "[1,2,3]"), "box-five": with("[1,2,3,4]", "[1,2,3,4,5]"),
                "box-text": with("[1,2,3,4]", "\"1 2 3 4\""), "box-texts": with("[1,2,3,4]", "[\"1\",2,3,4]"),
                "box-null": with("[1,2,3,4]", "[null,2,3,4]"), "area-text": with("12", "\"12\""),
                "crowd-text": with("\"iscrowd\":0", "\"iscrowd\":\"no\""),
                "outline-flat": with("[[1,2,9,2,9,8]]", "[1,2,9,2,9,8]"),
                "outline-text": with("[[1,2,9,2,9,8]]", "[[\"a\"]]"),
                "outline-number": with("[[1,2,9,2,9,8]]", "3"),
                "runs-negative": with("[[1,2,9,2,9,8]]", "{\"size\":[20,30],\"counts\":[-1,601]}"),
                "runs-no-size": with("[[1,2,9,2,9,8]]", "{\"counts\":[600]}"),
                "runs-no-counts": with("[[1,2,9,2,9,8]]", "{\"size\":[20,30]}"),
                "runs-size-three": with("[[1,2,9,2,9,8]]", "{\"size\":[20,30,1],\"counts\":[600]}"),
                "runs-size-negative": with("[[1,2,9,2,9,8]]", "{\"size\":[-20,30],\"counts\":[600]}"),
                "runs-size-huge": with("[[1,2,9,2,9,8]]", "{\"size\":[4294967296,4294967296],\"counts\":[600]}"),
                "runs-fraction": with("[[1,2,9,2,9,8]]", "{\"size\":[20,30],\"counts\":[600.5]}"),
                "deep": truth(images: String(repeating: "[", count: 1_000_000)),
                "deep-annotation": with("12", String(repeating: "[", count: 40) + String(repeating: "]", count: 40)),
                "long-name-cut": "{\"images\":[{\"file_name\":\"" + String(repeating: "a", count: 100_000),
            ], "truth", "instances.json", .truth)
            + cuts(of: Array(whole.utf8), 20, "truth", "instances.json", .truth)
            + [notUTF8(whole, "truth", "instances.json", .truth)]
    }

    /// COCO results files.
    static func results() -> [BadFile] {
        func with(_ old: String, _ new: String) -> String { "[\(result.replacing(old, with: new))]" }
        return texts(
            [
                "object": "{\"annotations\":[\(result)]}", "text": "\"results\"", "nothing": "", "null": "null",
                "element-number": "[3]", "element-list": "[[]]", "tail": "[\(result)] x", "two-values": "[\(result)][]",
                "trailing-comma": "[\(result),]", "no-comma": "[\(result) \(result)]", "nan": with("0.5", "NaN"),
                "infinity": with("0.5", "Infinity"), "score-text": with("0.5", "\"0.5\""),
                "score-null": with("0.5", "null"),
                "score-large": with("0.5", "1e400"), "no-score": with(",\"score\":0.5", ""),
                "no-image": with("\"image_id\":1,", ""), "no-category": with("\"category_id\":1,", ""),
                "image-text": with("\"image_id\":1", "\"image_id\":\"1\""),
                "image-fraction": with("\"image_id\":1", "\"image_id\":1.5"),
                "image-large": with("\"image_id\":1", "\"image_id\":9223372036854775808"),
                "box-short": with("[1,2,3,4]", "[1,2,3]"), "box-long": with("[1,2,3,4]", "[1,2,3,4,5]"),
                "box-object": with("[1,2,3,4]", "{}"), "box-nan": with("[1,2,3,4]", "[NaN,2,3,4]"),
                "same-key-twice": with("\"score\":0.5", "\"score\":0.5,\"score\":0.6"),
                "control-character": with("\"score\"", "\"sco\u{1}re\""),
                "lone-surrogate": with("\"score\"", "\"\\ud800\":1,\"score\""),
                "bad-escape": with("\"score\"", "\"\\x\":1,\"score\""),
                "deep": String(repeating: "[", count: 1_000_000),
                "deep-extra": with(
                    "0.5",
                    "0.5,\"x\":" + String(repeating: "{\"a\":", count: 60) + "1" + String(repeating: "}", count: 60)),
                "unknown-image": with("\"image_id\":1", "\"image_id\":2"),
                "keys-bomb": "[{" + (0..<50_000).map { "\"k\($0)\":0," }.joined() + "\"k0\":1}]",
            ], "results", "results.json", .results)
            + cuts(of: Array("[\(result),\(result)]".utf8), 20, "results", "results.json", .results)
            + [notUTF8("[\(result)]", "results", "results.json", .results)]
    }

    /// Results whose masks cannot be those of the picture.
    static func masks() -> [BadFile] {
        func mask(_ counts: String, size: String = "[20,30]") -> String {
            "[{\"image_id\":1,\"category_id\":1,\"score\":0.5,\"segmentation\":{\"size\":\(size),\"counts\":\(counts)}}]"
        }
        return texts(
            [
                "negative": mask("[-5,605]"), "fraction": mask("[1.5]"), "text-number": mask("[\"1\"]"),
                "number": mask("3"), "null": mask("null"), "object": mask("{}"), "run-large": mask("[4294967296]"),
                "size-short": mask("[600]", size: "[20]"), "size-text": mask("[600]", size: "\"20x30\""),
                "size-negative": mask("[600]", size: "[20,-30]"), "size-huge": mask("[600]", size: "[99999999999,2]"),
            ], "masks", "results.json", .masks)
    }

    /// Panoptic truth.
    static func panoptic() -> [BadFile] {
        let segment = "{\"id\":5,\"category_id\":1,\"area\":4,\"bbox\":[0,0,2,2],\"iscrowd\":0}"
        func file(annotation: String) -> String {
            "{\"images\":[\(image)],\"categories\":[{\"id\":1,\"name\":\"a\",\"isthing\":1}],\"annotations\":[\(annotation)]}"
        }
        func segments(_ list: String, name: String = "\"a.png\"") -> String {
            file(annotation: "{\"image_id\":1,\"file_name\":\(name),\"segments_info\":\(list)}")
        }
        return texts(
            [
                "list": "[]", "no-segments": file(annotation: "{\"image_id\":1,\"file_name\":\"a.png\"}"),
                "segments-object": segments("{}"), "segment-number": segments("[3]"),
                "id-text": segments("[\(segment.replacing("5", with: "\"5\""))]"),
                "unknown-category": segments("[\(segment.replacing("\"category_id\":1", with: "\"category_id\":9"))]"),
                "name-number": segments("[\(segment)]", name: "3"),
                "parent-name": segments("[\(segment)]", name: "\"../a.png\""),
                "absolute-name": segments("[\(segment)]", name: "\"/etc/passwd\""),
                "empty-name": segments("[\(segment)]", name: "\"\""),
            ], "panoptic", "panoptic.json", .panoptic)
    }

    private static func notUTF8(_ text: String, _ name: String, _ file: String, _ reader: Reader) -> BadFile {
        var bytes = Array(text.utf8)
        bytes[bytes.firstIndex(of: UInt8(ascii: "i"))!] = 0xFF
        return BadFile(name: "\(name)-not-utf8", file: file, reader: reader, bytes: bytes)
    }
}
