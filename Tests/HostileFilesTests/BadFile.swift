/// A file that is damaged, lies or asks for too much, drawn by code.
struct BadFile: Sendable {
    /// What reads it.
    enum Reader: String, CaseIterable, Sendable {
        case checkpoint, truth, results, masks, panoptic, recipe, gate, table, dataset, imageList
        case picture, labels, shards, record, evidence
    }

    /// Also the name of its folder, so that companions of one file never meet another's.
    var name: String
    /// Of the file in that folder.
    var file: String
    var reader: Reader
    var bytes: [UInt8]
    /// The exit code it must end in.
    var code: Int32 = 65
    /// False for damage that no reader could always see: then reading well is as good an end.
    var isSure = true
    /// False for damage among a checkpoint's numbers: `dmt model info` reads none of them.
    var isListed = true

    /// Cut short at evenly spread places, the first one empty.
    static func cuts(
        of whole: [UInt8], _ count: Int, _ name: String, _ file: String, _ reader: Reader, code: Int32 = 65
    ) -> [BadFile] {
        (0..<count).map { cut in
            let length = whole.count * cut / count
            return BadFile(
                name: "\(name)-cut-\(length)", file: file, reader: reader, bytes: Array(whole[..<length]), code: code)
        }
    }

    /// One bit changed at each of some places.
    static func flips(
        of whole: [UInt8], at places: [Int], _ name: String, _ file: String, _ reader: Reader, isSure: Bool
    ) -> [BadFile] {
        places.map { place in
            var bytes = whole
            bytes[place] ^= 1 << UInt8(place * 5 % 8)
            return BadFile(
                name: "\(name)-flip-\(place)", file: file, reader: reader, bytes: bytes, isSure: isSure)
        }
    }

    /// Texts by name.
    static func texts(
        _ texts: KeyValuePairs<String, String>, _ prefix: String, _ file: String, _ reader: Reader, code: Int32 = 65
    ) -> [BadFile] {
        texts.map {
            BadFile(name: "\(prefix)-\($0.key)", file: file, reader: reader, bytes: Array($0.value.utf8), code: code)
        }
    }

    /// The whole collection; names differ.
    static func all() throws -> [BadFile] {
        let files =
            try safetensors() + pickles() + zips() + numPy() + truths() + results() + masks() + panoptic() + recipes()
            + gates() + tables() + datasets() + imageLists() + jpegs() + pngs() + labels() + shards() + records()
            + evidence()
        return files.map { file in
            var file = file
            file.isListed = !["zip-storage-checksum", "npz-checksum"].contains(file.name)
            return file
        }
    }
}
