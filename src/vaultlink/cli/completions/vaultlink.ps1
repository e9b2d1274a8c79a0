# Completion of vaultlink for PowerShell. Load it with:
# vaultlink completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName vaultlink -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { "$_" } })
    $current = "$wordToComplete".Trim('"', "'")
    & $commandAst.CommandElements[0].Value __complete @words "--current=$current" 2>$null | ForEach-Object {
        $value, $text = $_ -split "`t", 2
        $shown = if ($value -match "[\s'``$;,()&|]") { "'" + ($value -replace "'", "''") + "'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($shown, $value, 'ParameterValue', $(if ($text) { $text } else { $value }))
    }
}
