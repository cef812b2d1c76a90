rule Acme_Invoice_Stealer
{
    meta:
        description = "Invented family that reads invoices and posts them to a drop"
        kind = "trojan"
    strings:
        $read = "invoice-read:" ascii wide
        $post = "invoice-post:" ascii wide
    condition:
        all of them
}
