import JSONText
import SafeFiles

extension RunRecord {
    /// No record comes near this size; a larger file is not one.
    static let sizeLimit = 256 << 20

    /// Writes the record as one indented JSON document, atomically.
    public func write(to path: String) throws(DataError) {
        try AtomicFile.write(json().text(pretty: true) + "\n", to: path)
    }

    /// Reads a record that `write(to:)` wrote.
    ///
    /// - Throws: `DataError`: missing file, no JSON, or a field that is missing or wrong.
    public static func load(_ path: String) throws(DataError) -> RunRecord {
        let bytes = try FileBytes.read(path, limit: sizeLimit)
        do {
            return try RunRecord(json: try JSONValue.parse(bytes, file: path))
        } catch let error as RecordFormatError {
            throw DataError(
                .malformed, file: path, record: error.field, expected: error.expected, found: error.found,
                remedy: "write the record again with this version of dmt")
        } catch let error as IncompleteRecord {
            throw DataError(
                .malformed, file: path, expected: "a complete run record",
                found: error.holes.joined(separator: "; "), remedy: "run the evaluation again")
        } catch let error as JSONError {
            throw DataError(
                .malformed, file: path, record: "byte \(error.offset)", expected: error.expected, found: error.found,
                remedy: "give the run.json of a finished run, copied whole")
        } catch {
            throw DataError(
                .malformed, file: path, expected: "a run record in JSON", found: "\(error)",
                remedy: "give the run.json of a finished run")
        }
    }
}
