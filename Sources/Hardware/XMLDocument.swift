internal import CLibXML2
package import Basic

/// Parses untrusted XML with libxml2 into `MachineElement`s: no network, no DTD, no entity expansion, size and depth capped.
package enum XMLDocument {
  /// Bytes a machine description may have.
  package static let sizeLimit = 4 << 20
  /// Nesting a machine description may have.
  package static let depthLimit = 64

  package static func parse(_ text: [UInt8], file: String) throws(Failure) -> MachineElement {
    guard text.count <= sizeLimit else {
      throw Failure("the file has \(text.count) bytes; machine descriptions may have \(sizeLimit)", at: SourceLocation(file: file))
    }
    _ = initialised
    guard let context = xmlNewParserCtxt() else { throw Failure("libxml2 could not start", at: SourceLocation(file: file)) }
    defer { xmlFreeParserCtxt(context) }
    let flags = Int32(
      XML_PARSE_NONET.rawValue | XML_PARSE_BIG_LINES.rawValue | XML_PARSE_NOCDATA.rawValue | XML_PARSE_COMPACT.rawValue
        | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue)
    let document = text.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { xmlCtxtReadMemory(context, $0.baseAddress, Int32($0.count), file, nil, flags) }
    }
    guard let document else { throw Failure([lastError(context, file: file)]) }
    defer { xmlFreeDoc(document) }
    guard document.pointee.intSubset == nil else {
      throw Failure(
        "a DOCTYPE is not allowed in a machine description", at: SourceLocation(file: file, line: 1),
        fix: "remove the DOCTYPE; use extends=\"…\" to share text")
    }
    guard let root = xmlDocGetRootElement(document) else { throw Failure("the file has no root element", at: SourceLocation(file: file)) }
    return try element(root, file: file, depth: 0)
  }

  /// Validates a parsed text against a schema file; the result lists every violation with its line.
  package static func validate(_ text: [UInt8], file: String, schema: String) throws(Failure) -> [Diagnostic] {
    _ = initialised
    let sink = DiagnosticBox()
    let handler: xmlStructuredErrorFunc = { box, error in
      guard let box, let error else { return }
      let message = error.pointee.message.map { String(cString: $0) } ?? "unknown error"
      Unmanaged<DiagnosticBox>.fromOpaque(box).takeUnretainedValue().add(message, line: Int(error.pointee.line))
    }
    let opaque = Unmanaged.passUnretained(sink).toOpaque()
    guard let parser = xmlSchemaNewParserCtxt(schema) else { throw Failure("cannot open the schema \(schema)") }
    defer { xmlSchemaFreeParserCtxt(parser) }
    xmlSchemaSetParserStructuredErrors(parser, handler, opaque)
    guard let compiled = xmlSchemaParse(parser) else {
      throw Failure(sink.messages.map { .error($0.message, at: SourceLocation(file: schema, line: $0.line)) })
    }
    defer { xmlSchemaFree(compiled) }
    guard let validator = xmlSchemaNewValidCtxt(compiled) else { throw Failure("libxml2 could not start a validation") }
    defer { xmlSchemaFreeValidCtxt(validator) }
    let flags = Int32(XML_PARSE_NONET.rawValue | XML_PARSE_BIG_LINES.rawValue | XML_PARSE_NOERROR.rawValue)
    let document = text.withUnsafeBufferPointer { bytes in
      bytes.withMemoryRebound(to: CChar.self) { xmlReadMemory($0.baseAddress, Int32($0.count), file, nil, flags) }
    }
    guard let document, document.pointee.intSubset == nil else { throw Failure("not well-formed", at: SourceLocation(file: file)) }
    defer { xmlFreeDoc(document) }
    xmlSchemaSetValidStructuredErrors(validator, handler, opaque)
    _ = xmlSchemaValidateDoc(validator, document)
    return sink.messages.map { .error($0.message, at: SourceLocation(file: file, line: $0.line)) }
  }

  private static let initialised: Void = xmlInitParser()

  private static func element(_ node: xmlNodePtr, file: String, depth: Int) throws(Failure) -> MachineElement {
    let line = Int(xmlGetLineNo(node))
    guard depth < depthLimit else {
      throw Failure("elements are nested deeper than \(depthLimit)", at: SourceLocation(file: file, line: line))
    }
    var result = MachineElement(name: String(cString: node.pointee.name), attributes: [], children: [], file: file, line: line)
    var attribute = node.pointee.properties
    while let current = attribute {
      let value = xmlNodeGetContent(UnsafeMutableRawPointer(current).assumingMemoryBound(to: xmlNode.self))
      let text = value.map { String(cString: $0) } ?? ""
      if let value { cxml_free(value) }
      // Namespaced attributes (xsi:…) are the schema's business.
      if current.pointee.ns == nil { result.attributes.append(.init(name: String(cString: current.pointee.name), value: text)) }
      attribute = current.pointee.next
    }
    var child = node.pointee.children
    while let current = child {
      if current.pointee.type == XML_ELEMENT_NODE {
        result.children.append(try element(current, file: file, depth: depth + 1))
      } else if current.pointee.type == XML_ENTITY_REF_NODE {
        throw Failure("entity references are not allowed", at: SourceLocation(file: file, line: line))
      }
      child = current.pointee.next
    }
    return result
  }

  private static func lastError(_ context: xmlParserCtxtPtr, file: String) -> Diagnostic {
    guard let error = xmlCtxtGetLastError(context) else { return .error("not well-formed XML", at: SourceLocation(file: file)) }
    let message = error.pointee.message.map { String(cString: $0).trimmingNewlines } ?? "not well-formed XML"
    return .error("not well-formed XML: \(message)", at: SourceLocation(file: file, line: Int(error.pointee.line)))
  }
}

/// Collects libxml2's messages during one synchronous call.
private final class DiagnosticBox {
  var messages: [(message: String, line: Int)] = []
  func add(_ message: String, line: Int) { messages.append((message.trimmingNewlines, line)) }
}

extension String {
  fileprivate var trimmingNewlines: String {
    var text = self
    while let last = text.last, last.isNewline || last == " " { text.removeLast() }
    return text.replacing("\n", with: " ")
  }
}
